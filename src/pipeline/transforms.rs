//! What is known of the classes of transforms.
//!
//! Takes a class as `transforms.<name>.type` has it, says what a transform of that class does to a record. Whose it is does
//! not count: a class is known without its package. Which keys of a transform matter is left to those who ask.

/// The key that lists the transforms in force.
pub const LIST: &str = "transforms";

/// The key of a transform that says by which field it routes, also where it does something else in the first place.
pub const BY_FIELD: &str = "route.by.field";

/// Parts of the names of classes that hide in a way of their own.
const HIDES: &[&str] = &["mask", "hash", "encrypt", "cipher", "redact", "anonymi", "tokeni"];

/// Transforms that leave every field where it is, so that a mask behind them finds it.
const STILL: &[&str] = &[
    "ActivateTracingSpan",
    "ByLogicalTableRouter",
    "Cast",
    "ContentBasedRouter",
    "DropHeaders",
    "Filter",
    "InsertField",
    "InsertHeader",
    "MaskField",
    "OpenLineage",
    "PartitionRouting",
    "RegexRouter",
    "SetSchemaMetadata",
    "TimestampConverter",
    "TimestampRouter",
];

/// Those of them that leave topic and headers as they are too, so that a predicate behind them finds what it looks for.
const AS_IT_WAS: &[&str] =
    &["Cast", "Filter", "InsertField", "MaskField", "SetSchemaMetadata", "TimestampConverter"];

/// Transforms that change what stands in a record, and neither its topic nor whether it is delivered.
const CONTENT: &[&str] = &[
    "ActivateTracingSpan",
    "Cast",
    "ConvertCloudEventToSaveableForm",
    "DropHeaders",
    "EnforceRecordSize",
    "ExtractChangedRecordState",
    "ExtractField",
    "ExtractNewDocumentState",
    "ExtractNewRecordState",
    "Flatten",
    "GeometryFormatTransformer",
    "HeaderFrom",
    "HeaderToValue",
    "HoistField",
    "InsertField",
    "InsertHeader",
    "MaskField",
    "OpenLineage",
    "ReplaceField",
    "SetSchemaMetadata",
    "SwapGeometryCoordinates",
    "TimestampConverter",
    "TimezoneConverter",
    "ValueToKey",
    "VectorToJsonConverter",
];

/// A class without its package, with the side of the record that it works on.
pub fn last(class: &str) -> &str {
    class.trim().rsplit('.').next().unwrap_or_default()
}

/// A class without its package and without the side of the record that it works on.
pub fn sort(class: &str) -> &str {
    let last = last(class);
    last.split_once('$').map_or(last, |(sort, _)| sort)
}

/// The side of the record that a class works on.
pub fn side(class: &str) -> &str {
    last(class).split_once('$').map_or("", |(_, side)| side)
}

/// Whether a transform of the class surely leaves every field where it is.
pub fn leaves_fields(class: &str) -> bool {
    STILL.contains(&sort(class))
}

/// Whether a transform of the class surely leaves topic and headers as they are, and every field where it is.
pub fn leaves_record(class: &str) -> bool {
    AS_IT_WAS.contains(&sort(class))
}

/// Whether a transform of the class surely changes only what stands in a record, unless its keys say more.
pub fn changes_content(class: &str) -> bool {
    CONTENT.contains(&sort(class))
}

/// Whether a transform of the class hides something, by its name.
pub fn hides(class: &str) -> bool {
    let sort = sort(class).to_ascii_lowercase();
    HIDES.iter().any(|part| sort.contains(part))
}
