//! The promised JSON of plans, results, findings and rendered configs.
//!
//! Takes model values, gives text that is the same byte for byte for the same values. Every form
//! says `"format": 1`; readers ignore fields that they do not know.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::config::Shown;
use crate::model::desired::{Desired, DesiredConnector, Origin};
use crate::model::finding::Findings;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::Plan;
use crate::model::report::StepResult;
use crate::view::form::{
    FORMAT, FindingForm, PlanForm, ResultForm, RevisionForm, finding_forms, revision_forms, text,
};

/// Writes a plan, with the warnings that came with it.
pub fn plan(plan: &Plan, findings: &Findings) -> String {
    text(&PlanForm::new(plan, findings))
}

/// Writes a plan and what became of its steps.
pub fn apply(plan: &Plan, findings: &Findings, results: &[StepResult]) -> String {
    #[derive(Serialize)]
    struct Form {
        #[serde(flatten)]
        plan: PlanForm,
        results: Vec<ResultForm>,
    }
    text(&Form {
        plan: PlanForm::new(plan, findings),
        results: results.iter().map(ResultForm::new).collect(),
    })
}

/// Writes findings.
pub fn findings(findings: &Findings) -> String {
    #[derive(Serialize)]
    struct Form {
        format: u32,
        findings: Vec<FindingForm>,
    }
    text(&Form { format: FORMAT, findings: finding_forms(findings) })
}

/// Writes the findings of each environment that was validated; those of a repository without an
/// environment are nobody's.
pub fn validation(environments: &BTreeMap<Option<EnvironmentName>, Findings>) -> String {
    #[derive(Serialize)]
    struct Form<'a> {
        format: u32,
        environments: Vec<EnvironmentForm<'a>>,
    }
    #[derive(Serialize)]
    struct EnvironmentForm<'a> {
        environment: Option<&'a str>,
        findings: Vec<FindingForm>,
    }
    let environments = environments
        .iter()
        .map(|(name, findings)| EnvironmentForm {
            environment: name.as_ref().map(EnvironmentName::as_str),
            findings: finding_forms(findings),
        })
        .collect();
    text(&Form { format: FORMAT, environments })
}

/// Writes every connector of an environment, secrets hidden; with the origin of each key where that
/// is asked.
pub fn render(desired: &Desired, explain: bool) -> String {
    let Desired {
        revision,
        environment,
        connectors,
        suspend: _,
        unresolved: _,
        forgotten: _,
        left_out: _,
        incomplete: _,
    } = desired;
    text(&RenderForm {
        format: FORMAT,
        environment: environment.as_str().to_owned(),
        revision: revision_forms(revision),
        connectors: connectors
            .iter()
            .map(|(name, connector)| RenderedForm::new(name, connector, explain))
            .collect(),
    })
}

#[derive(Serialize)]
struct RenderForm {
    format: u32,
    environment: String,
    revision: Vec<RevisionForm>,
    connectors: Vec<RenderedForm>,
}

#[derive(Serialize)]
struct RenderedForm {
    name: String,
    state: &'static str,
    template: Option<String>,
    path: String,
    line: u32,
    config: BTreeMap<String, String>,
    hidden: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origins: Option<BTreeMap<String, Vec<OriginForm>>>,
}

#[derive(Serialize)]
struct OriginForm {
    layer: String,
    path: String,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

impl RenderedForm {
    fn new(name: &ConnectorName, connector: &DesiredConnector, explain: bool) -> Self {
        let DesiredConnector {
            config,
            state,
            keep: _,
            acknowledged: _,
            template,
            form: _,
            place,
            origins,
            suspend: _,
            lost: _,
        } = connector;
        let mut shown = BTreeMap::new();
        let mut hidden = Vec::new();
        for (key, value) in config.iter() {
            match value.shown() {
                Shown::Text(text) => drop(shown.insert(key.to_owned(), text.to_string())),
                Shown::Hidden => hidden.push(key.to_owned()),
            }
        }
        let origins = explain.then(|| {
            origins
                .iter()
                .map(|(key, layers)| (key.to_string(), layers.iter().map(OriginForm::new).collect()))
                .collect()
        });
        Self {
            name: name.as_str().to_owned(),
            state: state.name(),
            template: template.as_ref().map(ToString::to_string),
            path: place.path.to_string(),
            line: place.line,
            config: shown,
            hidden,
            origins,
        }
    }
}

impl OriginForm {
    fn new(origin: &Origin) -> Self {
        let Origin { layer, place, value } = origin;
        Self {
            layer: layer.to_string(),
            path: place.path.to_string(),
            line: place.line,
            column: place.column,
            value: match value {
                Some(Shown::Text(text)) => Some(text.to_string()),
                Some(Shown::Hidden) | None => None,
            },
            hidden: *value == Some(Shown::Hidden),
            removed: value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example;

    #[test]
    fn a_plan_has_the_promised_shape() {
        insta::assert_snapshot!(plan(&example::plan(), &Findings::default()));
    }

    #[test]
    fn an_empty_plan_names_every_field() {
        insta::assert_snapshot!(plan(&example::empty_plan(), &Findings::default()));
    }

    #[test]
    fn a_folder_has_no_ref_and_no_commit() {
        let mut empty = example::empty_plan();
        empty.revision.repositories[0].at =
            crate::model::revision::At::Directory { path: "./definitions".into(), digest: 1 };
        let form: serde_json::Value =
            serde_json::from_str(&plan(&empty, &Findings::default())).expect("JSON");
        assert_eq!(
            form["revision"],
            serde_json::json!([{"repository": "main", "directory": "./definitions"}])
        );
    }

    #[test]
    fn a_revision_names_its_version_and_its_signer_where_they_are_known() {
        let mut empty = example::empty_plan();
        let main = &mut empty.revision.repositories[0];
        if let crate::model::revision::At::Git { verified, .. } = &mut main.at {
            *verified = Some(std::sync::Arc::new(example::verified()));
        }
        let main = main.repository.clone();
        empty.revision.version_tags.insert(main, "v1.4.2".into());
        let form: serde_json::Value =
            serde_json::from_str(&plan(&empty, &Findings::default())).expect("JSON");
        let told = &form["revision"][0];
        assert_eq!(
            (&told["version_tag"], &told["verified_by"]),
            (&"v1.4.2".into(), &"ada@example.com".into())
        );
    }

    #[test]
    fn an_apply_is_the_plan_and_its_results() {
        let text = apply(&example::plan(), &Findings::default(), &example::results());
        let form: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let mut fields = form.as_object().expect("a map").clone();
        let results = fields.remove("results").expect("results");
        let plan = plan(&example::plan(), &Findings::default());
        assert_eq!(
            serde_json::Value::Object(fields),
            serde_json::from_str::<serde_json::Value>(&plan).expect("JSON")
        );
        insta::assert_snapshot!(results.to_string(), @r#"
            [{"connector":"audit-sink","step":"pause","outcome":"converged","class":null,"took_ms":1250},{"connector":"legacy-sink","step":"delete","outcome":"failed","class":"denied","took_ms":1250},{"connector":"stock-source","step":"configure","outcome":"converged","class":null,"took_ms":1250},{"connector":"users-source","step":"configure","outcome":"waiting","class":"waiting","took_ms":1250},{"connector":"orders-sink","step":"create","outcome":"pending","class":null,"took_ms":1250},{"connector":"late-sink","step":"restart","outcome":"not-taken","class":"superseded","took_ms":1250}]
            "#);
    }

    #[test]
    fn findings_have_the_promised_shape() {
        insta::assert_snapshot!(findings(&example::findings()));
    }

    #[test]
    fn a_validation_is_told_per_environment() {
        let name = |text| EnvironmentName::new(text).ok();
        let all = [(name("production"), Findings::default()), (name("staging"), example::findings())].into();
        let form: serde_json::Value = serde_json::from_str(&validation(&all)).expect("JSON");
        assert_eq!(form["environments"][0]["environment"], "production");
        assert_eq!(form["environments"][0]["findings"], serde_json::json!([]));
        assert_eq!(form["environments"][1]["findings"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_rendered_environment_says_which_keys_are_hidden_and_who_set_what() {
        insta::assert_snapshot!(render(&example::desired(), true));
    }
}
