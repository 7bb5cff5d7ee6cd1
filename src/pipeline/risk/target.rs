//! Whether two texts are addresses of one target.
//!
//! Takes what a sink says of where it writes to before a change and after it. Yes is said only where it is sure: an address
//! in a form that is not known here is another one, and so is one that differs in a parameter that may name the target.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::setting;
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::server;

/// Parameters of JDBC's addresses that say how a database is talked to, and neither which one nor as whom, in lower case.
const MANNER: &[&str] = &[
    "connecttimeout",
    "sockettimeout",
    "logintimeout",
    "querytimeout",
    "tcpkeepalive",
    "applicationname",
    "rewritebatchedinserts",
    "rewritebatchedstatements",
    "preparethreshold",
    "cacheprepstmts",
    "useserverprepstmts",
    "prepstmtcachesize",
    "prepstmtcachesqllimit",
    "defaultrowfetchsize",
    "usecompression",
];

/// Those that say whether and how that is encrypted, and whether the server must prove who it is.
const GUARD: &[&str] = &[
    "ssl",
    "sslmode",
    "sslrootcert",
    "sslfactory",
    "usessl",
    "requiressl",
    "verifyservercertificate",
    "servercertificate",
    "encrypt",
    "trustservercertificate",
    "hostnameincertificate",
];

/// An address in one form.
#[derive(Debug)]
enum Target {
    /// Nodes, each with how it is talked to, that get records in turn: one that is of another cluster gets some of them.
    Nodes { nodes: BTreeSet<(String, Node)>, rest: String },
    /// Some nodes of a cluster: whoever knows one of them finds the others.
    Cluster { nodes: BTreeSet<Node>, rest: String },
    /// A database, and how the way there is guarded.
    Database { place: Place, guard: Parameters },
}

/// A database on one server, or on the first that answers.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    sort: String,
    nodes: Vec<Node>,
    name: String,
    rest: Parameters,
}

/// Host and port.
type Node = (String, String);

type Parameters = BTreeMap<String, String>;

/// Whether the key surely names the same target on both sides.
pub fn is_same(turn: &Turn<'_>, key: &str) -> Answer {
    holds(turn, key, Target::is)
}

/// Whether the key surely names the same target on both sides, and the way there is guarded otherwise.
pub fn is_guarded_otherwise(turn: &Turn<'_>, key: &str) -> Answer {
    holds(turn, key, |before, after| before.is(after) && before.guard() != after.guard())
}

fn holds(turn: &Turn<'_>, key: &str, holds: fn(&Target, &Target) -> bool) -> Answer {
    match (turn.before(key), turn.after(key)) {
        (Said::Unknown, _) | (_, Said::Unknown) => Answer::Unknown,
        (Said::Nothing, _) | (_, Said::Nothing) => Answer::No,
        (Said::Text(before), Said::Text(after)) => match (Target::of(&before), Target::of(&after)) {
            (Some(before), Some(after)) => holds(&before, &after).into(),
            (None, _) | (_, None) => Answer::No,
        },
    }
}

impl Target {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let known = [documents(text), search(text), jdbc(text)];
        known.into_iter().flatten().next()
    }

    /// Whether what goes to the other one afterwards surely goes where this one says.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nodes { nodes, rest }, Self::Nodes { nodes: others, rest: other }) => {
                rest == other && others.is_subset(nodes)
            }
            (Self::Cluster { nodes, rest }, Self::Cluster { nodes: others, rest: other }) => {
                rest == other && !nodes.is_disjoint(others)
            }
            (Self::Database { place, guard: _ }, Self::Database { place: other, guard: _ }) => place == other,
            (Self::Nodes { .. } | Self::Cluster { .. } | Self::Database { .. }, _) => false,
        }
    }

    fn guard(&self) -> Option<&Parameters> {
        match self {
            Self::Database { place: _, guard } => Some(guard),
            Self::Nodes { .. } | Self::Cluster { .. } => None,
        }
    }
}

/// `mongodb://a,b:27017/name?options`.
fn documents(text: &str) -> Option<Target> {
    let rest = text.strip_prefix("mongodb://")?;
    let (hosts, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let nodes = hosts.split(',').map(|host| node(host, "27017")).collect::<Option<_>>()?;
    Some(Target::Cluster { nodes, rest: rest.trim_end_matches('/').to_owned() })
}

/// `http://a:9200,http://b:9200`: every node with the same path.
fn search(text: &str) -> Option<Target> {
    let mut nodes = BTreeSet::new();
    let mut rests = BTreeSet::new();
    for item in setting::items(text) {
        let (scheme, place) = item.split_once("://")?;
        let usual = match scheme {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        let (host, rest) = place.split_at(place.find(['/', '?']).unwrap_or(place.len()));
        nodes.insert((scheme.to_owned(), node(host, usual)?));
        rests.insert(rest.trim_end_matches('/').to_owned());
    }
    let rest = rests.pop_first()?;
    rests.is_empty().then_some(Target::Nodes { nodes, rest })
}

/// An address of JDBC's in one of the forms that the usual drivers have.
fn jdbc(text: &str) -> Option<Target> {
    let (sort, rest) = text.strip_prefix("jdbc:")?.split_once(':')?;
    let (usual, place, options) = match sort {
        "postgresql" => ("5432", rest.strip_prefix("//")?, '?'),
        "mysql" | "mariadb" => ("3306", rest.strip_prefix("//")?, '?'),
        "sqlserver" => ("1433", rest.strip_prefix("//")?, ';'),
        "oracle" => {
            let rest = rest.strip_prefix("thin:@")?;
            ("1521", rest.strip_prefix("//").unwrap_or(rest), '?')
        }
        _ => return None,
    };
    let (place, options) = place.split_once(options).unwrap_or((place, ""));
    let (rest, guard) = parameters(options, if sort == "sqlserver" { ';' } else { '&' })?;
    let (hosts, name) = match (sort, place.split_once('/')) {
        ("sqlserver", None) => (place, ""),
        ("sqlserver", Some(_)) | (_, None) => return None,
        (_, Some(parts)) => parts,
    };
    // A named instance is asked for its port.
    let is_instance =
        rest.keys().any(|key| ["instancename", "instance"].contains(&key.to_ascii_lowercase().as_str()));
    let usual = if is_instance { "" } else { usual };
    let nodes = hosts.split(',').map(|host| node(host, usual)).collect::<Option<_>>()?;
    let place = Place { sort: sort.to_owned(), nodes, name: name.to_owned(), rest };
    Some(Target::Database { place, guard })
}

/// The parameters that may name the target, and those that guard the way there; none where one stands twice or is in a form that is not known here.
fn parameters(text: &str, mark: char) -> Option<(Parameters, Parameters)> {
    let mut rest = Parameters::new();
    let mut guard = Parameters::new();
    for pair in text.split(mark).filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let is_twice = rest.insert(key.trim().to_owned(), value.to_owned()).is_some();
        if is_twice || value.contains('{') {
            return None;
        }
    }
    rest.retain(|key, value| {
        let key = key.to_ascii_lowercase();
        let is_guard = GUARD.contains(&key.as_str());
        let is_rest = !is_guard && !MANNER.contains(&key.as_str());
        if is_guard {
            guard.insert(key, value.clone());
        }
        is_rest
    });
    Some((rest, guard))
}

fn node(text: &str, usual: &str) -> Option<Node> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        Some(_) | None => (text, usual),
    };
    let is_numbered = host.starts_with('[') && host.ends_with(']');
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || (is_numbered && "[]:".contains(c));
    let is_node = !host.is_empty() && host.chars().all(is_plain) && port.chars().all(|c| c.is_ascii_digit());
    is_node.then(|| (server::host(host), port.to_owned()))
}
