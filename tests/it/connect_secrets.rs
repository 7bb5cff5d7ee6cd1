//! What the Connect client tells when there is a secret in what it was told: nothing of it.

use anyhow::{Context as _, Result};
use tagalong::connect::Writer;
use tagalong::connect::error::Error;
use tagalong::model::live::Trouble;
use tagalong::model::report::Class;
use tagalong_testkit::fake::Phase;
use tagalong_testkit::fake::fault::Fault;

use crate::connect::{failed, orders, with_orders};
use crate::contract::client::{client, configure};
use crate::contract::site::source;

const MESSAGE: &str = "Connector configuration is invalid and contains the following 1 error(s):\n";

/// Everything that could be told of an error, as a person or a log would have it.
fn told(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_secret_in_a_refusal_is_not_told() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for (status, message) in [
        (400, "Connector config {password=hunter2, name=orders} contains no connector type".to_owned()),
        (
            400,
            format!("{MESSAGE}Invalid value hunter2 for configuration tasks.max: Not a number of type INT\n"),
        ),
        (
            400,
            format!(
                "{MESSAGE}Invalid value x for configuration hunter2: y for configuration tasks.max: no\n"
            ),
        ),
        (400, format!("{MESSAGE}FATAL: database \"hunter2\" does not exist")),
        (400, "hunter2".to_owned()),
        (500, "Could not read properties from file hunter2".to_owned()),
        (409, "Connector hunter2 already exists".to_owned()),
        (418, "hunter2".to_owned()),
    ] {
        fake.inject(Fault::on("PUT", "/config").answer(status, &message));
        let error = failed(client.take(&orders(), &configure(&source())).await)?;
        assert!(!told(&error).contains("hunter2"), "{}", told(&error));
    }
    Ok(())
}

#[tokio::test]
async fn a_secret_in_an_answer_that_makes_no_sense_is_not_told() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for body in [
        r#"[{"orders":"hunter2"}]"#,
        r#"{"orders":"hunter2"}"#,
        "hunter2",
        r#"{"orders":{"info":{"config":"hunter2"}}}"#,
    ] {
        fake.inject(Fault::on("GET", "expand").raw(200, "application/json", body));
        let error = failed(client.live().await)?;
        assert_eq!(error.class(), Class::NotUnderstood, "{body}");
        assert!(!told(&error).contains("hunter2"), "{}", told(&error));
    }
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", r#"["hunter2"]"#));
    let error = failed(client.live().await)?;
    assert!(matches!(error, Error::TooOld { .. }) && !told(&error).contains("hunter2"), "{}", told(&error));
    Ok(())
}

#[tokio::test]
async fn credentials_in_the_address_are_not_told() -> Result<()> {
    let (fake, _) = with_orders().await?;
    let client = client(&fake.url(0).replace("http://", "http://agent:hunter2@"), Writer::Leader)?;
    fake.inject(Fault::on("GET", "/").break_off().always());
    let error = failed(client.live().await)?;
    assert!(!told(&error).contains("hunter2"), "{}", told(&error));
    fake.phase(0, Phase::Down).await;
    let error = failed(client.live().await)?;
    assert!(!told(&error).contains("hunter2"), "{}", told(&error));
    Ok(())
}

#[tokio::test]
async fn a_trace_is_read_down_to_its_meaning() -> Result<()> {
    let (fake, client) = with_orders().await?;
    for (trace, trouble) in [
        ("hunter2, but this is no longer available on the server. Reconfigure", Trouble::DataLost),
        ("Connection to hunter2:5432 refused. Check that", Trouble::Away),
        ("java.lang.IllegalStateException: hunter2", Trouble::Other),
    ] {
        fake.fail_task("orders", 0, trace);
        let live = client.live().await?;
        let connector = live.connectors.get(&orders()).context("it is there")?;
        let status = connector.status.as_ref().context("a status")?;
        assert_eq!(status.troubles().collect::<Vec<_>>(), [trouble]);
        assert!(!format!("{live:?}").contains("hunter2"), "{live:?}");
    }
    Ok(())
}
