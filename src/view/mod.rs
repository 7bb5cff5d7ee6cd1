//! Tell people and programs: model to text.
//!
//! [`json`] and [`status`] are the promised forms for programs, [`human`] is for terminals and logs,
//! [`page`] for a browser, [`mod@reference`] for those who use templates, [`schema`] for editors, [`compare`]
//! for what a release would do; [`github`], [`gitlab`] and [`markdown`] for those who look at a pull
//! request, [`foreign`] for other tools. All are pure: the time comes in, and what must not be shown
//! cannot be reached from here.

pub mod asked;
pub mod compare;
pub mod foreign;
mod form;
pub mod github;
pub mod gitlab;
mod holds;
pub mod human;
pub mod json;
pub mod markdown;
pub mod page;
pub mod reference;
mod risks;
mod rollouts;
pub mod schema;
mod standing;
pub mod status;
mod text;

#[cfg(test)]
mod example;

#[cfg(test)]
mod tests {
    use crate::model::finding::Findings;
    use crate::view::status::StatusForm;
    use crate::view::{example, foreign, github, gitlab, human, json, markdown, page, status};

    #[test]
    fn no_secret_occurs_in_any_view() {
        let (plan, report, desired) = (example::plan(), example::report(), example::desired());
        let form = StatusForm::new(&report, "0.1.0");
        let views = [
            human::plan(&plan, true),
            markdown::plan(&plan, &report.findings),
            markdown::findings(&report.findings, ""),
            github::annotations(&report.findings, |_| None),
            gitlab::report(&report.findings, |_| None),
            human::render(&desired, false),
            human::explain(&desired, false),
            human::results(&report.cluster.results, false),
            human::findings(&report.findings, false),
            human::status(&form, example::NOW, false),
            json::plan(&plan, &Findings::default()),
            json::apply(&plan, &report.findings, &report.cluster.results),
            json::render(&desired, true),
            json::findings(&report.findings),
            format!("{:?}", foreign::connect(&desired)),
            format!("{:?}", foreign::strimzi(&desired, None)),
            status::status(&report, "0.1.0"),
            page::page(&form, example::NOW),
            format!("{plan:?} {report:?} {desired:?}"),
        ];
        for view in views {
            assert!(!view.contains(example::SECRET), "{view}");
        }
    }
}
