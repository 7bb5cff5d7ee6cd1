//! The guide to connectors that a service brings: it works as it stands, and its `ConfigMap` and settings are good.

use anyhow::{Context as _, Result, ensure};
use tagalong::settings::checked::Settings;
use tagalong::settings::raw::Written;
use tagalong::yaml;
use tagalong::yaml::tree::{Kind, Node};

use crate::support::command::Desk;
use crate::support::mount::Mount;
use crate::support::page::{blocks, files, read};
use crate::support::reader::Reader;

const PAGE: &str = "docs/guide/service-connectors.md";

/// The text of a file that the page shows.
fn shown(name: &str) -> Result<String> {
    let all = blocks(&read(PAGE)?);
    let file = all.iter().flat_map(files).find(|(path, _)| path == name);
    Ok(file.context("the page shows it")?.1)
}

fn value<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Kind::Mapping(entries) = &node.kind else { return None };
    entries.iter().find(|entry| entry.key.as_str() == key).map(|entry| &entry.value)
}

#[tokio::test]
async fn the_guide_to_a_services_connectors_works_as_it_stands() -> Result<()> {
    Reader::new().await?.read(PAGE).await
}

#[tokio::test]
async fn the_config_map_in_the_guide_is_a_good_folder() -> Result<()> {
    let text = shown("../shop/configmap.yaml")?;
    let (documents, findings) = yaml::documents("configmap.yaml", text.as_bytes());
    ensure!(findings.is_empty() && documents.len() == 1, "{findings:#?}");
    let data = value(&documents[0].root, "data").context("it has data")?;
    let Kind::Mapping(entries) = &data.kind else { anyhow::bail!("data is a map") };
    let files: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.value.kind {
            Kind::Scalar(text) => Some((entry.key.as_str(), text.as_str())),
            Kind::Empty | Kind::Null | Kind::Refused | Kind::Sequence(_) | Kind::Mapping(_) => None,
        })
        .collect();
    assert_eq!(files.len(), 1);
    let mount = Mount::new(&files)?;
    let desk = Desk::new(&[])?;
    for name in ["templates/postgres.yaml", "connectors/orders.yaml", "environments/production.yaml"] {
        desk.write(name, &shown(name)?)?;
    }
    let line = format!("render --dir . -e production --extra {}", mount.path().display());
    let said = desk.run(&line).await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said}");
    assert!(said.out.contains("returns  running, template postgres"), "{said}");
    Ok(())
}

#[test]
fn the_settings_in_the_guide_name_a_folder() -> Result<()> {
    let all = blocks(&read(PAGE)?);
    let mut names = Vec::new();
    for (_, text) in all.iter().flat_map(files).filter(|(path, _)| path == "settings.yaml") {
        let file = Some(("settings.yaml", text.as_bytes()));
        let (settings, findings) = Settings::read(&Written { file, ..Written::default() }, &[]);
        assert!(findings.is_empty(), "{findings:#?}");
        let extra = settings.context("good settings")?.extra;
        names.extend(extra.into_iter().map(|folder| folder.names.0));
    }
    assert_eq!(names, [vec![], vec!["returns", "shop-*"]]);
    Ok(())
}
