//! JSON Schemas (draft 2020-12) of the files that people write, for editors and other programs.
//!
//! Takes the tables that the readers take their known keys from, gives text. A schema knows shapes: a key
//! that is not known, a value of another type. Which names exist is known to `validate` alone.

use serde_json::{Map, Value, json};

use crate::model::shape::{Field, Free, JSON_KEY, NO_DOT, NO_EXPRESSION, Shape, Takes};
use crate::view::form;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A day, a time and an offset, as in RFC 3339.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$";
/// Digits, and the letters of a unit after them.
const LENGTH: &str = r"^\s*\+?([Pp][Tt]?)?\s*[0-9][^-]*[A-Za-z]\s*$";

/// The schema of a document of the three folders: the first of these keys that it has says what it
/// is. A manifest of Kubernetes' is somebody else's, and nothing is said about it.
pub fn definitions(kinds: &[(&str, &Shape)]) -> String {
    let mut schema = Schema::default();
    for (kind, shape) in kinds {
        let shape = schema.shape(shape);
        schema.defs.insert((*kind).to_owned(), shape);
    }
    let begun = kinds.iter().map(|(kind, shape)| {
        json!({"type": "object", "required": [kind], "properties": {*kind: {"description": shape.says}}})
    });
    let nothing = json!({"type": "null", "description": "An empty document."});
    let mut dispatch = json!({"anyOf": std::iter::once(nothing).chain(begun).collect::<Vec<_>>()});
    for (kind, _) in kinds.iter().rev() {
        dispatch = json!({
            "if": {"type": "object", "required": [kind]},
            "then": reference(kind),
            "else": dispatch,
        });
    }
    let mut whole = json!({
        "title": "Definitions for tagalong",
        "description": "A document of `templates/`, `connectors/` or `environments/`.",
        "if": manifest(),
        "then": true,
        "else": dispatch,
    });
    schema.finish(&mut whole)
}

/// The schema of a file that is one map.
pub fn file(title: &str, shape: &Shape) -> String {
    let mut schema = Schema::default();
    let mut whole = json!({"title": title});
    merge(&mut whole, schema.shape(shape));
    // A file with nothing in it says nothing.
    whole["type"] = json!(["object", "null"]);
    schema.finish(&mut whole)
}

/// The schema of a file whose table is written by paths, where `null` is as if the key were not there.
pub fn by_path(title: &str, says: &str, fields: &[Field]) -> String {
    let mut schema = Schema::default();
    let mut whole = level();
    whole["title"] = json!(title);
    whole["description"] = json!(says);
    for field in fields {
        let mut at = &mut whole;
        let mut words = field.key.split('.').peekable();
        while let Some(word) = words.next() {
            let below = &mut at["properties"][word];
            if words.peek().is_none() {
                *below = or_null(schema.field(field));
            } else if below.is_null() {
                *below = level();
            }
            at = below;
        }
    }
    schema.finish(&mut whole)
}

/// The schema of a file of Connect's JSON: one connector, a list of them, or a config alone.
pub fn connect(posted: &Shape) -> String {
    let mut schema = Schema::default();
    let shape = schema.shape(posted);
    schema.defs.insert("posted".to_owned(), shape);
    let texts = text_like(None);
    let config = json!({
        "description": "The config alone.",
        "type": "object",
        "required": ["connector.class"],
        "additionalProperties": texts,
        "propertyNames": {"pattern": JSON_KEY},
    });
    schema.defs.insert("config".to_owned(), config);
    let is_posted =
        json!({"type": "object", "required": ["config"], "properties": {"config": {"type": "object"}}});
    let one = json!({
        "if": manifest(),
        "then": true,
        "else": {"if": is_posted, "then": reference("posted"), "else": reference("config")},
    });
    schema.defs.insert("connector".to_owned(), one);
    let mut whole = json!({
        "title": "Connectors in Kafka Connect's JSON",
        "if": {"type": "array"},
        "then": {"minItems": 1, "items": reference("connector")},
        "else": reference("connector"),
    });
    schema.finish(&mut whole)
}

/// A map of a table by paths.
fn level() -> Value {
    json!({"type": ["object", "null"], "properties": {}, "additionalProperties": false})
}

/// What tells a manifest of Kubernetes'.
fn manifest() -> Value {
    let word = text_like(None);
    json!({
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"apiVersion": word, "kind": word},
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A text: YAML takes some for numbers or for true and false, which makes no difference here.
fn text_like(pattern: Option<&str>) -> Value {
    let mut text = json!({"type": ["string", "number", "boolean"]});
    if let Some(pattern) = pattern {
        text["pattern"] = json!(pattern);
    }
    text
}

/// A whole number, in quotes or not.
fn number(pattern: &str) -> Value {
    json!({"type": ["integer", "string"], "minimum": 0, "pattern": pattern})
}

/// Words, each also as what YAML takes it for.
fn words(words: &[&str]) -> Value {
    let mut values = Vec::new();
    for word in words {
        let other: Option<Value> = serde_json::from_str(word).ok();
        values.extend(other.filter(|other| other.is_number() || other.is_boolean()));
        values.push(json!(word));
    }
    json!({"enum": values})
}

fn or_null(schema: Value) -> Value {
    let mut schema = schema;
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
        return schema;
    }
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push(json!("null")),
        Some(one) => *one = json!([one.take(), "null"]),
        None => {
            let mut either = json!({});
            for key in ["description", "default"] {
                if let Some(said) = schema.as_object_mut().and_then(|map| map.remove(key)) {
                    either[key] = said;
                }
            }
            either["anyOf"] = json!([schema, {"type": "null"}]);
            return either;
        }
    }
    schema
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// A schema that is being made, with what several places of it name.
#[derive(Default)]
struct Schema {
    defs: Map<String, Value>,
}

impl Schema {
    fn finish(self, whole: &mut Value) -> String {
        let mut schema = json!({"$schema": DRAFT});
        merge(&mut schema, whole.take());
        if !self.defs.is_empty() {
            schema["$defs"] = Value::Object(self.defs);
        }
        form::text(&schema)
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        let Shape { says, fields, apart } = shape;
        let mut properties = Map::new();
        for field in *fields {
            properties.insert(field.key.to_owned(), self.field(field));
        }
        let needed: Vec<_> = fields.iter().filter(|field| field.needed).map(|field| field.key).collect();
        let mut schema = json!({
            "description": says,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if !needed.is_empty() {
            schema["required"] = json!(needed);
        }
        if !apart.is_empty() {
            let pairs: Vec<_> = apart.iter().map(|pair| json!({"not": {"required": pair}})).collect();
            schema["allOf"] = json!(pairs);
        }
        schema
    }

    fn field(&mut self, field: &Field) -> Value {
        let Field { key: _, takes, says, needed: _, default } = field;
        let mut schema = self.takes(*takes);
        if schema == Value::Bool(false) {
            schema = json!({"not": {}});
        }
        schema["description"] = json!(says);
        if !default.is_empty() {
            let typed = matches!(takes, Takes::Flag | Takes::Number | Takes::Word(_));
            let default_value = serde_json::from_str(default).ok().filter(|_| typed);
            schema["default"] = match takes {
                Takes::List(_) => json!([default]),
                _ => default_value.unwrap_or_else(|| json!(default)),
            };
        }
        schema
    }

    fn takes(&mut self, takes: Takes) -> Value {
        match takes {
            Takes::Text => text_like(None),
            Takes::Literal => text_like(Some(NO_EXPRESSION)),
            Takes::Like(pattern) => text_like(Some(pattern)),
            Takes::Flag => words(&["true", "false"]),
            Takes::Number => number("^[+]?[0-9]+$"),
            Takes::Limit => number("^([+]?[0-9]+|unlimited)$"),
            Takes::Word(those) => words(those),
            Takes::WordOf(those) => words(&those()),
            Takes::Time => json!({"type": "string", "pattern": TIME}),
            Takes::Length => json!({"type": "string", "pattern": LENGTH}),
            Takes::List(item) => json!({"type": "array", "items": self.takes(*item)}),
            Takes::Fields(shape) => self.shape(shape),
            Takes::Entries(keys, each) => self.entries(keys, *each),
            Takes::Free(free) => self.free(free),
            Takes::Tree => {
                let tree = json!({
                    "type": ["string", "number", "boolean", "array", "object"],
                    "items": reference("tree"),
                    "additionalProperties": reference("tree"),
                    "propertyNames": {"pattern": NO_DOT},
                });
                self.defs.insert("tree".to_owned(), tree);
                reference("tree")
            }
            Takes::TextOr(shape) => {
                let mut schema = self.shape(shape);
                schema["type"] = json!(["string", "number", "boolean", "object"]);
                schema
            }
            Takes::OrNull(one) => or_null(self.takes(*one)),
            Takes::Refused => Value::Bool(false),
            Takes::Anything => json!({}),
        }
    }

    fn entries(&mut self, keys: &str, each: Takes) -> Value {
        let mut schema = json!({"type": "object", "additionalProperties": self.takes(each)});
        if !keys.is_empty() {
            schema["propertyNames"] = json!({"pattern": keys});
        }
        schema
    }

    /// A value that may hold others of its kind, which is why it has a name.
    fn free(&mut self, free: Free) -> Value {
        let Free { name, maps, keys, nulls, expressions } = free;
        let name = format!("{name}-value");
        if !self.defs.contains_key(&name) {
            let pattern = (!expressions).then_some(NO_EXPRESSION);
            let mut item = text_like(pattern);
            if maps {
                let keys = json!({"pattern": keys.pattern()});
                merge(&mut item, json!({"additionalProperties": reference(&name), "propertyNames": keys}));
                item["type"] = json!(["string", "number", "boolean", "object"]);
            }
            let mut value = item.clone();
            value["items"] = item;
            if let Some(Value::Array(types)) = value.get_mut("type") {
                types.push(json!("array"));
                types.extend(nulls.then(|| json!("null")));
            }
            self.defs.insert(name.clone(), value);
        }
        reference(&name)
    }
}
