//! A small definitions repository that the stories of the command line share.

use anyhow::Result;

use crate::support::command::Desk;

/// A template with a required parameter, a filter and a block for one environment.
pub const TEMPLATE: &str = "template: file-source
parameters:
  file: {required: true, description: the file to read}
config:
  connector.class: FileStreamSource
  tasks.max: 1
  file: \"{{ params.file }}\"
  topic: \"{{ connector | slug('_') }}-{{ environment }}\"
environments:
  production: {config: {tasks.max: 4}}
";

/// A connector with two secrets.
pub const ORDERS: &str = "connector: orders
template: file-source
with: {file: /var/log/orders}
config:
  database.password: hunter2
  connection.url: jdbc:postgresql://u:hunter3@db/x
allow: {plain-secret: made up}
";

/// The whole repository.
pub const FILES: [(&str, &str); 4] = [
    ("templates/file-source.yaml", TEMPLATE),
    ("connectors/orders.yaml", ORDERS),
    ("environments/production.yaml", "environment: production\n"),
    ("environments/staging.yaml", "environment: staging\n"),
];

/// A folder with a template, a connector and two environments.
pub fn desk() -> Result<Desk> {
    Desk::new(&FILES)
}
