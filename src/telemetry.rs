//! Logs on standard error: one line an event, as text for people or JSON for programs.
//!
//! Takes the wanted form and level once, at start; the rest of the agent speaks through `tracing`. Whatever is
//! said, an event is one line, and no character of it disturbs a terminal: what others wrote is among it.

use std::error::Error;
use std::fmt::Debug;
use std::io::{self, IsTerminal, Write};
use std::iter;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::model::character::{is_unprintable, shown_in_json};

/// Sets up logging for the whole process; may be called once. Text for a terminal is in colour where that may be.
pub fn start(json: bool, may_colour: bool, level: LevelFilter) -> Result<(), TryInitError> {
    let form = match (json, may_colour && io::stderr().is_terminal()) {
        (true, _) => Form::Json,
        (false, true) => Form::Coloured,
        (false, false) => Form::Text,
    };
    subscriber(form, level, io::stderr).try_init()
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Text,
    Coloured,
}

/// What the libraries below say is let through only at `TRACE`: it may name addresses with every detail.
fn subscriber<W>(
    form: Form,
    level: LevelFilter,
    to: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: Write + 'static,
{
    let others = if level == LevelFilter::TRACE { LevelFilter::DEBUG } else { LevelFilter::ERROR };
    let filter = Targets::new().with_target("tagalong", level).with_default(others);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = Lines { to, form };
    let layer = fmt::layer().with_writer(lines);
    match form {
        Form::Json => Box::new(registry.with(layer.json().event_format(Object))),
        Form::Text | Form::Coloured => {
            let layer = layer.with_timer(Clock).with_target(false).with_ansi(form == Form::Coloured);
            Box::new(registry.with(layer))
        }
    }
}

/// Where events go.
struct Lines<F> {
    to: F,
    form: Form,
}

impl<'w, F: Fn() -> W, W: Write + 'w> MakeWriter<'w> for Lines<F> {
    type Writer = Line<W>;

    fn make_writer(&'w self) -> Line<W> {
        Line { to: (self.to)(), form: self.form }
    }
}

/// One event, which is written at once.
struct Line<W> {
    to: W,
    form: Form,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = match self.form {
            Form::Json => shown_in_json(&text).into_owned(),
            Form::Text => one_line(&text, |_| false),
            Form::Coloured => one_line(&text, |rest| OURS.iter().any(|ours| rest.starts_with(ours))),
        };
        self.to.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The colours and weights that a log is written with. They do nothing else, whoever wrote them.
const OURS: [&str; 9] =
    ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[35m"];

/// An event on one line.
fn one_line(text: &str, begins_ours: impl Fn(&str) -> bool) -> String {
    let (event, end) = text.strip_suffix('\n').map_or((text, ""), |event| (event, "\n"));
    let mut line = String::with_capacity(text.len());
    for (at, character) in event.char_indices() {
        if is_unprintable(character) && !begins_ours(&event[at..]) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line + end
}

/// An event as an object. The library's own form leaves out what caused an error.
struct Object;

impl<S, N> FormatEvent<S, N> for Object
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut timestamp = String::new();
        Clock.format_time(&mut Writer::new(&mut timestamp))?;
        let about = event.metadata();
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), timestamp.into());
        object.insert("level".to_owned(), about.level().as_str().into());
        event.record(&mut Fields(&mut object));
        object.insert("target".to_owned(), about.target().into());
        if let Some(span) =
            event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current())
        {
            let extensions = span.extensions();
            let said = extensions.get::<FormattedFields<N>>().map(|said| said.fields.as_str());
            let mut fields: Map<_, _> =
                said.and_then(|said| serde_json::from_str(said).ok()).unwrap_or_default();
            fields.insert("name".to_owned(), span.name().into());
            object.insert("span".to_owned(), fields.into());
        }
        writeln!(writer, "{}", Value::Object(object))
    }
}

/// The fields of an event, into an object.
struct Fields<'o>(&'o mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let chain = iter::successors(Some(value), |&error| error.source());
        let texts: Vec<_> = chain.map(ToString::to_string).collect();
        self.put(field, texts.join(": "));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// The time of an event, UTC, to the millisecond.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{:.3}", jiff::Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, info_span, warn};

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics while holding it").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What stands in the log after something was said.
    fn logged(form: Form, level: LevelFilter, say: impl FnOnce()) -> String {
        let log = Log::default();
        let to = log.clone();
        tracing::subscriber::with_default(subscriber(form, level, move || to.clone()), say);
        let bytes = log.0.lock().expect("nobody panics while holding it").clone();
        String::from_utf8(bytes).expect("a log is text")
    }

    /// A word of somebody who would like to write to the terminal, to forge a line, and to hide what is written.
    const FOUL: &str = "zwölf\u{1b}[2J\u{9b}2J\u{202e}txt.\u{200b}\u{7f}\r\n{\"level\":\"ERROR\"}\u{2028}end";

    fn say_foul() {
        warn!(name = FOUL, shown = %FOUL, seen = ?FOUL, "said {FOUL}");
    }

    #[test]
    fn in_json_every_text_comes_whole_and_disturbs_no_terminal() {
        let log = logged(Form::Json, LevelFilter::INFO, say_foul);
        let line = log.strip_suffix('\n').expect("a line");
        assert!(!line.contains(is_unprintable), "{line:?}");
        let event: serde_json::Value = serde_json::from_str(line).expect("one line of JSON");
        let said = format!("said {FOUL}");
        assert_eq!(
            (&event["name"], &event["shown"], &event["message"]),
            (&FOUL.into(), &FOUL.into(), &said.into())
        );
        assert_eq!(
            (&event["level"], &event["target"]),
            (&"WARN".into(), &"tagalong::telemetry::tests".into())
        );
        let at: jiff::Timestamp = event["timestamp"].as_str().expect("a time").parse().expect("a time");
        assert!(at <= jiff::Timestamp::now());
    }

    /// An error of our own, with what the world said as its cause.
    #[derive(Debug, thiserror::Error)]
    #[error("could not read the {what}")]
    struct Failed {
        what: &'static str,
        source: io::Error,
    }

    #[test]
    fn an_error_comes_with_all_that_caused_it_as_text_and_in_json() {
        let say = || {
            let cause = Failed { what: "list", source: io::Error::other(FOUL) };
            let error = Failed { what: "cluster", source: io::Error::other(cause) };
            let _span = info_span!("step", connector = "orders", tries = 2).entered();
            warn!(error = &error as &dyn Error, count = 3_u64, "it failed");
        };
        let text = logged(Form::Text, LevelFilter::INFO, say);
        for part in ["could not read the cluster", "could not read the list", "zwölf"] {
            assert!(text.contains(part), "{text}");
        }
        let log = logged(Form::Json, LevelFilter::INFO, say);
        let mut event: Map<String, Value> = serde_json::from_str(&log).expect("one line of JSON");
        event.remove("timestamp").expect("a time");
        let wanted = serde_json::json!({
            "level": "WARN",
            "error": format!("could not read the cluster: could not read the list: {FOUL}"),
            "count": 3,
            "message": "it failed",
            "target": "tagalong::telemetry::tests",
            "span": {"connector": "orders", "tries": 2, "name": "step"},
        });
        assert_eq!(Value::Object(event), wanted);
    }

    #[test]
    fn as_text_an_event_is_one_line_that_disturbs_no_terminal() {
        let log = logged(Form::Text, LevelFilter::INFO, say_foul);
        let line = log.strip_suffix('\n').expect("a line");
        assert!(!line.contains(is_unprintable), "{line:?}");
        assert!(line.contains(" WARN said zwölf") && line.contains("\\u{202e}txt."), "{line}");
    }

    #[test]
    fn colours_are_the_logs_own() {
        let log = logged(Form::Coloured, LevelFilter::INFO, say_foul);
        let line = log.strip_suffix('\n').expect("a line");
        assert!(line.contains("\u{1b}[33m"), "a warning has a colour: {line:?}");
        assert!(!line.contains("\u{1b}[2J"), "{line:?}");
        assert!(!line.replace('\u{1b}', "").contains(is_unprintable), "{line:?}");
    }

    #[test]
    fn what_libraries_say_is_heard_at_the_last_level_only() {
        let say = || {
            info!(target: "hyper", "GET https://git.example.com/secret");
            debug!(target: "hyper", "more of it");
            info!("own");
            debug!("own, in detail");
        };
        let count = |level| logged(Form::Text, level, say).lines().count();
        assert_eq!([LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG].map(count), [0, 1, 2]);
        assert_eq!(count(LevelFilter::TRACE), 4);
    }
}
