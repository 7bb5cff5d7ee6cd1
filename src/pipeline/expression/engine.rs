//! The engine behind expressions: what it knows beyond its own filters.
//!
//! Takes the inside of an expression, gives something that can be computed. An undefined name is an
//! error wherever it is used.

use std::sync::LazyLock;

use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, Value};

/// The functions that an expression may call.
pub const FUNCTIONS: [&str; 2] = ["range", "dict"];

/// How long an expression may be, in bytes: the engine reads a long chain as deep as it is long, and
/// a deep one ends the process.
pub const LONGEST: usize = 1_024;

/// What one expression may use up: an instruction is 1, and so are about 64 bytes that it makes or
/// looks through. Enough for lists of thousands of tables; a line must not cost an agent its memory.
const FUEL: u64 = 100_000;

const NO_INTEGER: &str = "`int` takes a whole number";
const NO_BOOLEAN: &str = "`bool` takes true or false, yes or no, on or off, 1 or 0";
const NO_SLUG: &str = "`slug` takes a text";

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    // These two show or change what is around an expression.
    engine.remove_global("debug");
    engine.remove_global("namespace");
    engine.add_filter("slug", slug);
    engine.add_filter("int", int);
    engine.add_filter("bool", boolean);
    engine
});

/// Compiles the inside of an expression.
pub fn compile(source: &str) -> Result<Expression<'static, 'static>, Error> {
    ENGINE.compile_expression_owned(source.to_owned())
}

/// Whether an error's text is one of ours, which hold no values.
pub fn is_own(detail: &str) -> bool {
    [NO_INTEGER, NO_BOOLEAN, NO_SLUG].contains(&detail)
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(()) }
}

/// Lower-case ASCII letters and digits, everything between them one separator.
fn slug(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    defined(value)?;
    let text = value.as_str().ok_or_else(|| invalid(NO_SLUG))?.to_ascii_lowercase();
    let words: Vec<_> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Ok(words.join(separator.unwrap_or("-")))
}

fn int(value: &Value) -> Result<i64, Error> {
    defined(value)?;
    match value.as_str() {
        Some(text) => text.trim().parse().map_err(|_| invalid(NO_INTEGER)),
        None => i64::try_from(value.clone()).map_err(|_| invalid(NO_INTEGER)),
    }
}

fn boolean(value: &Value) -> Result<bool, Error> {
    defined(value)?;
    match value.to_string().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(invalid(NO_BOOLEAN)),
    }
}
