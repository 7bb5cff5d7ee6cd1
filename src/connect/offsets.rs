//! What a connector has stored of its offsets, read down to whether it moves.
//!
//! Takes the body of an answer, gives a mark to compare, and whether the offsets themselves say that a snapshot is
//! being read. They hold what the source puts into them, so nothing else of them is kept.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::connect::error::Nonsense;
use crate::model::pulse::{Mark, Stored};

/// Reads `GET /connectors/{c}/offsets`: `{"offsets":[{"partition":{"server":"a"},"offset":{"lsn":26391712}}]}`.
pub fn stored(body: &[u8]) -> Result<Stored, Nonsense> {
    // The error's own text quotes what it met.
    let OffsetsWire { offsets } = serde_json::from_slice(body)
        .map_err(|error| Nonsense::Json { line: error.line(), column: error.column() })?;
    if offsets.is_empty() {
        return Ok(Stored::Nothing);
    }
    if offsets.iter().any(|entry| is_in_snapshot(&entry.offset)) {
        return Ok(Stored::Snapshot);
    }
    // Partitions come in any order, and so do the keys of each.
    let mut entries: Vec<_> = offsets.iter().map(digest).collect();
    entries.sort_unstable();
    let mut hasher = DefaultHasher::new();
    entries.hash(&mut hasher);
    Ok(Stored::At(Mark(hasher.finish())))
}

/// Whether an offset is one of a snapshot that is being read. Debezium says so under `snapshot`, with `true` or with
/// which snapshot it is; some of its connectors leave that there when it is over, and say so beside it.
fn is_in_snapshot(offset: &Json) -> bool {
    let is_over = ["snapshot_completed", "last_snapshot_record"].iter().any(|key| says_true(&offset[*key]));
    let is_one = match &offset["snapshot"] {
        Json::Bool(is_one) => *is_one,
        Json::String(text) => !["false", "last"].iter().any(|over| text.eq_ignore_ascii_case(over)),
        Json::Null | Json::Number(_) | Json::Array(_) | Json::Object(_) => false,
    };
    is_one && !is_over
}

fn says_true(json: &Json) -> bool {
    json.as_bool().or_else(|| json.as_str().map(|text| text.eq_ignore_ascii_case("true"))).unwrap_or_default()
}

fn digest(entry: &EntryWire) -> u64 {
    let EntryWire { partition, offset } = entry;
    let mut hasher = DefaultHasher::new();
    for part in [partition, offset] {
        put(part, &mut hasher);
    }
    hasher.finish()
}

fn put(json: &Json, hasher: &mut DefaultHasher) {
    match json {
        Json::Object(pairs) => {
            let pairs: BTreeMap<_, _> = pairs.iter().collect();
            pairs.len().hash(hasher);
            for (key, value) in pairs {
                key.hash(hasher);
                put(value, hasher);
            }
        }
        Json::Array(items) => {
            items.len().hash(hasher);
            for item in items {
                put(item, hasher);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.to_string().hash(hasher),
    }
}

#[derive(Deserialize)]
struct OffsetsWire {
    offsets: Vec<EntryWire>,
}

/// One partition of the source, and how far it was read.
#[derive(Deserialize)]
struct EntryWire {
    #[serde(default)]
    partition: Json,
    #[serde(default)]
    offset: Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &str) -> Stored {
        stored(format!("{{\"offsets\":[{entries}],\"new\":1}}").as_bytes()).expect("understood")
    }

    fn offset(text: &str) -> Stored {
        of(&format!("{{\"partition\":{{\"server\":\"a\"}},\"offset\":{text}}}"))
    }

    #[test]
    fn equal_offsets_have_equal_marks_in_whatever_order_they_come() {
        let (a, b) = (
            r#"{"partition":{"s":"a"},"offset":{"lsn":1,"tx":2}}"#,
            r#"{"partition":{"s":"b"},"offset":{"lsn":7}}"#,
        );
        let turned = r#"{"offset":{"tx":2,"lsn":1},"partition":{"s":"a"}}"#;
        assert_eq!(of(&format!("{a},{b}")), of(&format!("{b},{turned}")));
        for other in [
            r#"{"partition":{"s":"a"},"offset":{"lsn":1,"tx":3}}"#,
            r#"{"partition":{"s":"c"},"offset":{"lsn":1,"tx":2}}"#,
            r#"{"partition":{"s":"a"},"offset":{"lsn":"1","tx":2}}"#,
            r#"{"partition":{"s":"a"},"offset":{"lsn":[1,2]}}"#,
            r#"{"partition":{"s":"a"},"offset":null}"#,
            r#"{"partition":{"s":"a","lsn":1},"offset":{"tx":2}}"#,
        ] {
            assert_ne!(of(a), of(other), "{other}");
        }
    }

    #[test]
    fn none_are_nothing_yet() {
        assert_eq!(of(""), Stored::Nothing);
    }

    #[test]
    fn a_snapshot_is_told_by_the_offset_until_it_is_over() {
        for snapshot in [
            r#"{"last_snapshot_record":false,"lsn":1,"snapshot":"INITIAL","snapshot_completed":false}"#,
            r#"{"last_snapshot_record":false,"lsn":1,"snapshot":true}"#,
            r#"{"snapshot":"true","pos":4}"#,
            r#"{"snapshot":"BLOCKING","snapshot_completed":"false"}"#,
        ] {
            assert_eq!(offset(snapshot), Stored::Snapshot, "{snapshot}");
        }
        for over in [
            r#"{"lsn":1}"#,
            r#"{"snapshot":"INITIAL","snapshot_completed":true}"#,
            r#"{"snapshot":true,"last_snapshot_record":true}"#,
            r#"{"snapshot":true,"snapshot_completed":"true"}"#,
            r#"{"snapshot":"last"}"#,
            r#"{"snapshot":false}"#,
            r#"{"snapshot":null}"#,
            "[1]",
        ] {
            assert!(matches!(offset(over), Stored::At(_)), "{over}");
        }
    }

    #[test]
    fn what_is_no_list_of_offsets_is_not_understood_and_not_quoted() {
        for body in [r#"{"offsets":"hunter2"}"#, r#"["hunter2"]"#, r#"{"error":"hunter2"}"#, ""] {
            let problem = stored(body.as_bytes()).expect_err(body);
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }
}
