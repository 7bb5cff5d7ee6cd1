//! What refusals of Connect are read as.

use super::*;

const CONFLICT: &str = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";

fn read(status: u16, message: &str) -> Refusal {
    Refusal::read(Answer { status, message: Some(message), fenced: true }, &BTreeSet::new())
}

fn invalid(message: &str, sent: &[&str]) -> Complaint {
    let answer = Answer { status: 400, message: Some(message), fenced: true };
    match Refusal::read(answer, &sent.iter().copied().collect()) {
        Refusal::Invalid(complaint) => complaint,
        other => panic!("{other:?}"),
    }
}

fn wrapped(count: usize, lines: &str) -> String {
    format!(
        "Connector configuration is invalid and contains the following {count} error(s):\n{lines}\nYou can also find \
             the above list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`"
    )
}

#[test]
fn each_status_and_text_has_its_meaning() {
    for (status, message, refusal, class) in [
        (404, "Connector x not found", Refusal::NotFound, Class::NotFound),
        (404, "HTTP 404 Not Found", Refusal::NoSuchPath, Class::NotUnderstood),
        (405, "HTTP 405 Method Not Allowed", Refusal::NoSuchPath, Class::NotUnderstood),
        (409, "Connector x already exists", Refusal::Exists, Class::Exists),
        (409, CONFLICT, Refusal::NotLeader, Class::NotLeader),
        (
            409,
            "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (
            409,
            "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (
            500,
            "Request cannot be completed because a rebalance is expected",
            Refusal::Rebalancing,
            Class::Rebalancing,
        ),
        (500, "Request timed out", Refusal::GaveUp, Class::TimedOut),
        (
            500,
            "Request timed out. The worker is currently ensuring membership in the cluster, which began at …",
            Refusal::GaveUp,
            Class::TimedOut,
        ),
        (
            500,
            "IO Error trying to forward REST request: Idle timeout expired: 30001/30000 ms",
            Refusal::NotForwarded,
            Class::Unreachable,
        ),
        (500, "Error writing connector configuration to Kafka", Refusal::NotWritten, Class::TimedOut),
        (
            500,
            "Failed to write to config topic; this may be due to a transient error and the request can be safely retried",
            Refusal::NotWritten,
            Class::TimedOut,
        ),
        (500, "Worker is shutting down", Refusal::ShuttingDown, Class::Unreachable),
        (500, "Could not read properties from file /x", Refusal::Placeholder, Class::Invalid),
        (500, "The template variable 'x' has no value", Refusal::Fault, Class::Internal),
        (418, "short and stout", Refusal::Unexpected, Class::NotUnderstood),
    ] {
        let found = read(status, message);
        assert_eq!(found, refusal, "{status} {message}");
        assert_eq!(found.class(), class, "{status} {message}");
    }
}

#[test]
fn an_answer_that_is_not_connects_own_is_told_by_its_status() {
    for (status, refusal) in [
        (404, Refusal::Starting),
        (503, Refusal::Starting),
        (400, Refusal::Path),
        (401, Refusal::Denied),
        (403, Refusal::Denied),
        (502, Refusal::Gateway),
        (504, Refusal::Gateway),
        (500, Refusal::Fault),
        (301, Refusal::Unexpected),
        (409, Refusal::Unexpected),
    ] {
        let answer = Answer { status, message: None, fenced: true };
        assert_eq!(Refusal::read(answer, &BTreeSet::new()), refusal, "{status}");
    }
}

#[test]
fn a_conflict_of_a_request_that_may_be_forwarded_is_a_rebalance() {
    let answer = Answer { status: 409, message: Some(CONFLICT), fenced: false };
    assert_eq!(Refusal::read(answer, &BTreeSet::new()), Refusal::Rebalancing);
}

#[test]
fn a_refused_config_is_read_down_to_its_count_and_keys() {
    let message = wrapped(
        3,
        "Invalid value abc for configuration tasks.max: Not a number of type INT\nMissing required configuration \
             \"file\" which has no default value.\nThe 'snapshot.mode' value is invalid: Value must be one of always, \
             initial",
    );
    let complaint = invalid(&message, &["tasks.max", "snapshot.mode"]);
    assert_eq!(
        complaint.to_string(),
        "Connect does not accept the config, 3 errors, at file, snapshot.mode, tasks.max"
    );
}

#[test]
fn a_value_that_looks_like_a_key_is_not_kept() {
    for line in [
        "Invalid value hunter2 for configuration batch.size: Not a number of type INT",
        "Invalid value x for configuration hunter2: y for configuration batch.size: Not a number of type INT",
        "Invalid value The 'hunter2' value is invalid: x for configuration batch.size: no",
        "Invalid value Missing required configuration \"hunter2\" which has no default value for configuration batch.size: no",
    ] {
        let complaint = invalid(&wrapped(1, line), &["batch.size"]);
        assert!(!format!("{complaint:?} {complaint}").contains("hunter2"), "{line}: {complaint:?}");
        assert_eq!(complaint.keys, [Arc::from("batch.size")], "{line}");
    }
}

#[test]
fn complaints_about_the_whole_config_have_names() {
    for (message, reason) in [
        (
            "Connector config {name=a, password=S3cr3tFromFile, url=Connection refused} contains no connector type",
            Objection::NoClass,
        ),
        (
            "Failed to find any class that implements Connector and which name matches x, available connectors are: …",
            Objection::UnknownClass,
        ),
        ("Null value can not be supplied as the configuration value.", Objection::NullValue),
        (
            "Connector name configuration (b) doesn't match connector name in the URL (a)",
            Objection::OtherName,
        ),
        ("whatever", Objection::Other),
    ] {
        let complaint = invalid(message, &[]);
        assert_eq!((complaint.reason, complaint.count, complaint.keys.len()), (reason, None, 0), "{message}");
    }
}

#[test]
fn a_database_that_is_away_is_waited_for() {
    for line in [
        "Error while validating connector config: Connection to 127.0.0.1:1 refused. Check that the hostname and port \
             are correct and that the postmaster is accepting TCP/IP connections.",
        "Error while validating connector config: The connection attempt failed.",
        "Error while validating connector config: FATAL: password authentication failed for user \"orders\"",
        "Error while validating connector config: FATAL: database \"orders\" does not exist",
    ] {
        assert_eq!(read(400, &wrapped(1, line)), Refusal::Away, "{line}");
        assert_eq!(Refusal::Away.class(), Class::Waiting);
    }
}

#[test]
fn a_wrong_key_is_not_waited_for_even_where_the_database_is_away() {
    let message = wrapped(
        2,
        "Error while validating connector config: The connection attempt failed.\nThe 'snapshot.mode' value is invalid: no",
    );
    assert_eq!(invalid(&message, &[]).keys, [Arc::from("snapshot.mode")]);
}
