//! Lays an environment's values over each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::model::definition::{Environment, Input, Pair, Tree};
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::values::Values;
use crate::pipeline::supply::Supply;

/// What `values` is in an expression: from the lowest environment up what each says itself, with its
/// examples over that where they are asked for; over all of it what the place supplies.
///
/// An input is supplied by the place, or by an environment that is based on the one that asks. What
/// the asking environment or one under it says is no supply: that is what is asked to be replaced.
pub fn of(chain: &[&Environment], supply: &Supply<'_>, findings: &mut Vec<Finding>) -> Value {
    let mut values = Values::default();
    for environment in chain {
        values.lay_over(map(&environment.values));
        for input in environment.inputs.iter().filter(|_| supply.examples) {
            if let Some(example) = &input.example {
                put(&mut values, input.path.as_str(), tree(example));
            }
        }
    }
    let mut own = values.clone();
    for input in chain.iter().flat_map(|environment| &environment.inputs) {
        // Of which sort an input itself is, is judged by its example.
        put(&mut own, input.path.as_str(), nothing());
    }
    let mut supplied = supply.values.clone();
    let misfits = take_misfits(&mut supplied, &own, "");
    findings.extend(misfits.iter().map(|path| misfit(path, chain)));
    values.lay_over(supplied.clone());
    let mut upper = supplied;
    for environment in chain.iter().rev() {
        // What stands in place of the map around an input was told.
        let is_told = |input: &&Input| misfits.iter().any(|path| leads_to(path, input.path.as_str()));
        for input in environment.inputs.iter().filter(|input| is_told(input)) {
            let stand_in = input.example.as_ref().map_or_else(nothing, tree);
            put(&mut values, input.path.as_str(), stand_in.clone());
            put(&mut upper, input.path.as_str(), stand_in);
        }
        for input in environment.inputs.iter().filter(|input| !is_told(input)) {
            let supplied = get(&upper, input.path.as_str());
            let finding = wrong(input, supplied, supply.examples);
            if supplied.is_some() && finding.is_none() {
                continue;
            }
            let stand_in = input.example.as_ref().map_or_else(nothing, tree);
            if finding.is_some() {
                // One finding is enough: what uses the input is computed with something.
                put(&mut values, input.path.as_str(), stand_in.clone());
            }
            findings.extend(finding);
            put(&mut upper, input.path.as_str(), stand_in);
        }
        let mut own = map(&environment.values);
        own.lay_over(upper);
        upper = own;
    }
    value(&values)
}

/// Takes out what is no map where the environment has one, so that the rest of that map is still there.
fn take_misfits(supplied: &mut Values, own: &Values, under: &str) -> Vec<String> {
    let (Values::Map(supplied), Values::Map(own)) = (supplied, own) else { return Vec::new() };
    let mut misfits = Vec::new();
    supplied.retain(|name, value| {
        let path = if under.is_empty() { name.to_string() } else { format!("{under}.{name}") };
        let Some(own) = own.get(name).filter(|own| is_map(own) && !is_empty(own)) else { return true };
        if is_map(value) {
            misfits.extend(take_misfits(value, own, &path));
            return true;
        }
        misfits.push(path);
        false
    });
    misfits
}

fn is_empty(values: &Values) -> bool {
    matches!(values, Values::Map(map) if map.is_empty())
}

fn leads_to(path: &str, input: &str) -> bool {
    input.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

/// Says at the environment's own map that the place would put something else over it.
fn misfit(path: &str, chain: &[&Environment]) -> Finding {
    let place = |environment: &&Environment| {
        let mut pairs = environment.values.as_slice();
        let mut found = None;
        for name in path.split('.') {
            let Some(pair) = pairs.iter().find(|pair| pair.key.as_str() == name) else {
                found = None;
                break;
            };
            found = Some(pair.key.place.clone());
            pairs = if let Tree::Map(_, inner) = &pair.value { inner.as_slice() } else { &[] };
        }
        let asked = || environment.inputs.iter().find(|input| leads_to(path, input.path.as_str()));
        found.or_else(|| asked().map(|input| input.path.place.clone()))
    };
    let own = chain.iter().rev().find_map(place);
    let place = own.or_else(|| chain.last().map(|environment| environment.place.clone()));
    let place = place.expect("what an environment says has a place");
    let message = format!("`{path}` is a map here, and this place supplies something else for all of it");
    let inner = path.rsplit('.').fold("{…: …}".to_owned(), |inner, name| format!("{{{name}: {inner}}}"));
    Finding::new(Rule::InputKind, place, message).hint(format!(
        "supply a map, such as `{inner}`; look at `TAGALONG_VALUES`, at `values` in the settings and at `--value {path}=…`"
    ))
}

/// What stands in where nothing is known.
fn nothing() -> Values {
    Values::Text("0".into())
}

/// Says what is wrong with what an input is supplied with.
fn wrong(input: &Input, supplied: Option<&Values>, examples: bool) -> Option<Finding> {
    let name = input.path.as_str();
    let told = |rule, message: String| Finding::new(rule, input.path.place.clone(), message);
    match (supplied, input.example.as_ref().map(tree)) {
        (None, Some(_)) if examples => None,
        (None, None) if examples => Some(
            told(
                Rule::InputMissing,
                format!("input `{name}` has no `example`, so nothing can be tried offline"),
            )
            .hint(format!("write one: `{name}: {{example: …}}`")),
        ),
        (None, _) => {
            let finding = told(Rule::InputMissing, format!("input `{name}` is not supplied by this place"));
            Some(finding.hint(format!(
                "supply it with `--value {name}=…`, in the settings under `values` or in `TAGALONG_VALUES`"
            )))
        }
        (Some(supplied), Some(example)) if is_map(supplied) != is_map(&example) => {
            let [is, wanted] = [supplied, &example].map(kind);
            let message = format!("input `{name}` is supplied with {is}, and its example is {wanted}");
            Some(told(Rule::InputKind, message))
        }
        (Some(_), _) => None,
    }
}

fn is_map(values: &Values) -> bool {
    matches!(values, Values::Map(_))
}

fn kind(values: &Values) -> &'static str {
    match values {
        Values::Text(_) => "a text",
        Values::List(_) => "a list",
        Values::Map(_) => "a map",
    }
}

fn map(pairs: &[Pair]) -> Values {
    let mut values = Values::default();
    for pair in pairs {
        // Two that share a name come of a dotted key, which has a finding.
        values.lay_over(Values::Map([(Arc::clone(&pair.key.text), tree(&pair.value))].into()));
    }
    values
}

fn tree(tree_: &Tree) -> Values {
    match tree_ {
        Tree::Text(text) | Tree::Literal(text) => Values::Text(Arc::clone(&text.text)),
        Tree::List(_, items) => Values::List(items.iter().map(tree).collect()),
        Tree::Map(_, pairs) => map(pairs),
        // Both come with a finding, so that nothing is made of this.
        Tree::Null(_) | Tree::Refused(_) => Values::Text("0".into()),
    }
}

fn get<'v>(values: &'v Values, path: &str) -> Option<&'v Values> {
    path.split('.').try_fold(values, |values, name| match values {
        Values::Map(map) => map.get(name),
        Values::Text(_) | Values::List(_) => None,
    })
}

fn put(values: &mut Values, path: &str, leaf: Values) {
    let tree = path.rsplit('.').fold(leaf, |tree, name| Values::Map(BTreeMap::from([(name.into(), tree)])));
    values.lay_over(tree);
}

fn value(values: &Values) -> Value {
    match values {
        Values::Text(text) => Value::from(Arc::clone(text)),
        Values::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Values::Map(map) => {
            let map: BTreeMap<Arc<str>, Value> =
                map.iter().map(|(name, inner)| (Arc::clone(name), value(inner))).collect();
            Value::from(map)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::definition::Suspension;
    use crate::model::finding::Place;
    use crate::model::name::EnvironmentName;
    use crate::model::text::Text;

    fn written(text: &str) -> Text {
        Text::plain(text, Place::start_of("e.yaml"))
    }

    /// An environment that may ask for `host`, with or without an example, and may say it.
    fn environment(asks: &[Option<&str>], says: Option<&str>) -> Environment {
        let text = |text: &str| Tree::Text(written(text));
        Environment {
            name: EnvironmentName::new("e").expect("a name"),
            place: Place::start_of("e.yaml"),
            base: None,
            inputs: asks
                .iter()
                .map(|example| Input { path: written("host"), example: example.map(text), description: None })
                .collect(),
            values: says.map(|says| Pair { key: written("host"), value: text(says) }).into_iter().collect(),
            config: Vec::new(),
            allow: Vec::new(),
            suspend: Suspension::Inherited,
            whole: true,
        }
    }

    fn host(chain: &[Environment], supplied: Option<&str>, examples: bool) -> Result<String, String> {
        let mut values = Values::default();
        if let Some(text) = supplied {
            values.set("host", text);
        }
        let mut findings = Vec::new();
        let chain: Vec<_> = chain.iter().collect();
        let value = of(&chain, &Supply { values: &values, examples, secrets: None }, &mut findings);
        match findings.pop() {
            Some(finding) => {
                assert!(findings.is_empty(), "{finding:?} {findings:?}");
                Err(finding.message)
            }
            None => Ok(value.get_attr("host").expect("a map").to_string()),
        }
    }

    #[test]
    fn an_input_is_supplied_by_the_place_or_by_what_is_based_on_the_one_that_asks() {
        let missing = || Err("input `host` is not supplied by this place".to_owned());
        let ok = |text: &str| Ok(text.to_owned());
        let asks = || environment(&[Some("example")], None);
        let asks_and_says = || environment(&[Some("example")], Some("own"));
        let says = || environment(&[], Some("said"));
        for (chain, alone, tried) in [
            (vec![asks()], missing(), ok("example")),
            (vec![asks_and_says()], missing(), ok("example")),
            (vec![says(), asks()], missing(), ok("example")),
            (vec![asks(), says()], ok("said"), ok("said")),
            (vec![asks(), says(), asks()], missing(), ok("example")),
            (vec![says(), asks(), says()], ok("said"), ok("said")),
        ] {
            assert_eq!(host(&chain, None, false), alone);
            assert_eq!(host(&chain, None, true), tried);
            assert_eq!(host(&chain, Some("place"), false), ok("place"));
            assert_eq!(host(&chain, Some("place"), true), ok("place"));
        }
    }

    #[test]
    fn an_input_without_an_example_cannot_be_tried_unless_one_above_it_has_one() {
        let bare = || environment(&[None], None);
        assert!(host(&[bare()], None, true).is_err_and(|said| said.contains("has no `example`")));
        assert_eq!(host(&[bare(), environment(&[Some("x")], None)], None, true), Ok("x".to_owned()));
        assert_eq!(host(&[bare()], Some("place"), true), Ok("place".to_owned()));
    }
}
