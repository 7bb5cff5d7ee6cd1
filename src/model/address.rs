//! Addresses of databases and servers, as connectors have them: a URL, a list of them, a JDBC URL.
//!
//! Takes a text, says whether it is understood to its end and no credential stands in it. Whatever is not
//! understood may hold one. Which keys have addresses is `secret`'s.

/// Stands for one of Connect's placeholders while a text is looked at; in no text of its own.
const FILLED: char = '\u{1}';

/// What follows `jdbc:` where no `//` does, and only a name or a path is meant.
const PATHS: &[&str] = &["postgresql", "mysql", "mariadb", "h2", "sqlite", "derby", "hsqldb"];

/// What a name of a property or of a parameter holds whose value is a credential, lower case.
const LOGIN_PARTS: &[&str] =
    &["pass", "pwd", "secret", "token", "credential", "jaas", "private", "key", "signature", "userinfo"];

/// Names that are one as a whole.
const LOGIN_NAMES: &[&str] = &["auth", "sig", "pin", "code"];

/// What an Oracle descriptor may say here.
const DESCRIPTOR: &[&str] = &[
    "description_list",
    "description",
    "address_list",
    "address",
    "protocol",
    "host",
    "port",
    "connect_data",
    "service_name",
    "sid",
    "server",
    "load_balance",
    "failover",
    "connect_timeout",
    "retry_count",
    "retry_delay",
];

/// Says whether a text is an address in which nothing is a secret.
///
/// Connect's own placeholders may stand where credentials do: what they stand for is not here.
pub fn is_open(text: &str) -> bool {
    let Some(text) = filled(text.trim()) else { return false };
    if text.matches("://").count() > 1 { text.split(',').all(is_one) } else { is_one(&text) }
}

/// A text with `FILLED` in place of each placeholder; none where it has half of one, or what no address has.
pub fn filled(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inside, rest) = part.split_once('}')?;
        if !inside.contains(':') || inside.contains(['{', '$']) {
            return None;
        }
        filled.push(FILLED);
        filled.push_str(rest);
    }
    Some(filled)
}

/// Whether nothing but placeholders stands in a text of [`filled`].
pub fn is_filled(text: &str) -> bool {
    text.chars().all(|c| c == FILLED)
}

fn is_one(text: &str) -> bool {
    if let Some(oracle) = text.strip_prefix("jdbc:oracle:") {
        return is_oracle(oracle);
    }
    match text.split_once("://") {
        Some((scheme, rest)) => is_scheme(scheme) && is_server(rest),
        None => text
            .strip_prefix("jdbc:")
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(kind, rest)| PATHS.contains(&kind) && is_tail(rest, &['?', ';'])),
    }
}

fn is_scheme(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
    };
    text.strip_prefix("jdbc:").map_or_else(|| is_word(text), |rest| rest.split(':').all(is_word))
}

/// What follows `//`: who, where, and what there.
fn is_server(text: &str) -> bool {
    let (authority, rest) = text.split_at(text.find(['/', '?', ';']).unwrap_or(text.len()));
    let hosts = match authority.rsplit_once('@') {
        Some((login, hosts)) if is_login_elsewhere(login, ':') => hosts,
        Some(_) => return false,
        None => authority,
    };
    (hosts.is_empty() || hosts.split(',').all(is_host)) && is_tail(rest, &['?', ';', ':'])
}

/// Says whether a text is a name and a placeholder for its password, a colon between them.
pub fn is_open_login(text: &str) -> bool {
    filled(text.trim()).is_some_and(|text| text.contains(':') && is_login_elsewhere(&text, ':'))
}

/// Whether a login has a name at most, and its password is a placeholder. A name alone may be a token.
fn is_login_elsewhere(login: &str, between: char) -> bool {
    let (name, password) = login.split_once(between).unwrap_or(("", login));
    !password.is_empty() && is_filled(password) && name.chars().all(|c| is_plain(c) || c == '%')
}

/// Whether a character is one of a name, or stands for a placeholder.
pub fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == FILLED || "._-".contains(c)
}

fn is_host(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit() || c == FILLED);
    if let Some((inside, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c))
            && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    // SQL Server names an instance behind its host.
    !name.is_empty() && name.chars().all(|c| is_plain(c) || c == '\\') && port.is_none_or(is_port)
}

/// A path, and parameters or properties behind it.
fn is_tail(text: &str, ends: &[char]) -> bool {
    let (path, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
    path.chars().all(|c| is_plain(c) || "/~%+:,".contains(c))
        && rest.get(1..).unwrap_or_default().split(['&', ';']).all(is_open_property)
}

fn is_open_property(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return text.is_empty() };
    if name.is_empty() || !name.chars().all(|c| is_plain(c) && c != FILLED) {
        return false;
    }
    if names_login(name) {
        return !value.is_empty() && is_filled(value);
    }
    // A value may have names and values of its own, `%3A` and `%3D` between them.
    let is_nested = value.contains(['=', ':', '%']) && holds_login(value);
    !is_nested && !value.chars().any(|c| "@#{}()[]\"'?<>|^`".contains(c) || c.is_whitespace())
}

/// Whether a property or a parameter of this name may be a credential.
pub fn names_login(name: &str) -> bool {
    holds_login(name) || LOGIN_NAMES.iter().any(|word| name.eq_ignore_ascii_case(word))
}

fn holds_login(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    LOGIN_PARTS.iter().any(|word| plain.contains(word))
}

/// What follows `jdbc:oracle:`. The login stands before an `@`, with a slash in it.
fn is_oracle(text: &str) -> bool {
    let Some((driver, rest)) = text.split_once(':') else { return false };
    let Some((login, place)) = rest.split_once('@') else { return false };
    let is_login = login.is_empty() || is_login_elsewhere(login, '/');
    if !["thin", "oci", "oci8"].contains(&driver) || !is_login {
        return false;
    }
    if place.starts_with('(') {
        return is_descriptor(place);
    }
    let place =
        ["tcp://", "tcps://", "//"].iter().find_map(|start| place.strip_prefix(start)).unwrap_or(place);
    // The older form has the instance behind a second colon.
    match place.match_indices(':').nth(1) {
        Some((at, _)) if !place[..at].contains(['/', '?']) => {
            is_host(&place[..at]) && is_tail(&place[at + 1..], &['?'])
        }
        Some(_) | None => is_server(place),
    }
}

fn is_descriptor(text: &str) -> bool {
    text.split(['(', ')']).map(str::trim).filter(|part| !part.is_empty()).all(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            DESCRIPTOR.contains(&name.trim().to_ascii_lowercase().as_str())
                && value.trim().chars().all(is_plain)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_credential_is_open() {
        for text in [
            "https://host/path",
            "http://es-1:9200,http://es-2:9200",
            "https://user:${env:PW}@host/path",
            "https://${file:/a/b:user}:${file:/a/b:pw}@host:8443/path?x=1",
            "https://${env:LOGIN}@host",
            "jdbc:postgresql://db/x",
            "jdbc:postgresql://${env:HOST}:${env:PORT}/x",
            "jdbc:postgresql://db-1:5432,db-2:5432/x?targetServerType=primary&user=a",
            "jdbc:postgresql://db/x?password=${env:PW}&user=a",
            "jdbc:postgresql://db/x?sslmode=verify-full&sslrootcert=/run/secrets/ca.pem",
            "jdbc:postgresql://[::1]:5432/x",
            "jdbc:postgresql:orders",
            "jdbc:mysql://db:3306/x?useSSL=true&serverTimezone=UTC",
            "jdbc:mysql:loadbalance://a:3306,b:3306/x",
            "jdbc:mariadb://db/x",
            "jdbc:sqlserver://db:1433;databaseName=x;encrypt=true;",
            "jdbc:sqlserver://db\\EXPRESS;databaseName=x;password=${file:/a:b};user=sa",
            "jdbc:jtds:sqlserver://db:1433/x;instance=i",
            "jdbc:oracle:thin:@db:1521:ORCL",
            "jdbc:oracle:thin:@//db:1521/orders.example.com",
            "jdbc:oracle:thin:@tcps://db:1522/orders?connect_timeout=3",
            "jdbc:oracle:thin:scott/${env:PW}@//db:1521/orders",
            "jdbc:oracle:thin:@orders_high?TNS_ADMIN=/opt/wallet",
            "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=orders)))",
            "jdbc:db2://db:50000/x:currentSchema=A;sslConnection=true;",
            "jdbc:snowflake://acme.example.com/?warehouse=w&db=d",
            "jdbc:ch:https://db:8443/x",
            "jdbc:h2:mem:x;DB_CLOSE_DELAY=-1",
            "jdbc:sqlite:/data/x.db",
            "mongodb://a:27017,b:27017/?replicaSet=rs0&authSource=admin&tls=true",
            "mongodb+srv://cluster.example.com/?retryWrites=true&w=majority",
            "mongodb://app:${file:/run/secrets/m.properties:password}@a,b/orders",
            "redis://cache:6379/0",
            " jdbc:postgresql://db/x ",
        ] {
            assert!(is_open(text), "{text}");
        }
    }

    #[test]
    fn an_address_with_a_credential_is_not() {
        for text in [
            "https://user:hunter2@host/path",
            "https://hunter2@host",
            "https://user:@host",
            "https://user:hunter2${env:REST}@host",
            "https://${env:U}:hunter2@host/path",
            "http://es-1:9200,http://user:hunter2@es-2:9200",
            "https://host/?X-Amz-Signature=hunter2",
            "https://host/?sig=hunter2",
            "https://host/?api_key=hunter2",
            "https://host/?q=1#access_token=hunter2",
            "jdbc:postgresql://user:hunter2@db/x",
            "jdbc:postgresql://db/x?user=a&password=hunter2",
            "jdbc:postgresql://db/x?user=a&PASSWORD=hunter2",
            "jdbc:postgresql://db/x?sslpassword=hunter2",
            "jdbc:postgresql://db/x?password=${env:PW}hunter2",
            "jdbc:postgresql://db/x?pass%77ord=hunter2",
            "jdbc:postgresql://db/x?options=-c%20password%3Dhunter2",
            "jdbc:mysql://db/x?user=a&password=hunter2",
            "jdbc:mysql://db/x?trustCertificateKeyStorePassword=hunter2",
            "jdbc:mysql://(host=db,user=a,password=hunter2)/x",
            "jdbc:mysql://address=(host=db)(user=a)(password=hunter2)/x",
            "jdbc:sqlserver://db;user=sa;password=hunter2",
            "jdbc:sqlserver://db;user=sa;password={hunter2;x}",
            "jdbc:sqlserver://db;user=sa;pwd=hunter2",
            "jdbc:sqlserver://db;accessToken=hunter2",
            "jdbc:oracle:thin:scott/hunter2@//db:1521/orders",
            "jdbc:oracle:thin:scott/hunter2@db:1521:ORCL",
            "jdbc:oracle:oci:scott/hun@ter2@orders",
            "jdbc:oracle:thin:@//db/orders?oracle.net.wallet_password=hunter2",
            "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(HOST=db))(SECURITY=(PASSWORD=hunter2)))",
            "jdbc:db2://db:50000/x:user=a;password=hunter2;",
            "jdbc:h2:mem:x;PASSWORD=hunter2",
            "mongodb://app:hunter2@a,b/orders",
            "mongodb+srv://app:hunt%40er2@cluster.example.com",
            "mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
            "redis://:hunter2@cache:6379/0",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_may_hold_one() {
        for text in [
            "",
            "x",
            "db:5432",
            "host=db password=hunter2",
            "jdbc:postgresql://db/x?password=&user=hunter2",
            "Server=db;Uid=sa;Pwd=hunter2",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hunter2==",
            "HTTPS://host",
            "https://user:12/34@host",
            "https://user:12?34@host",
            "https://user:pa#ss@host",
            "https://user:a b@host",
            "https://host/?hunter2",
            "https://host/?=hunter2",
            "https://host\u{1}",
            "https://${topic}@host",
            "https://${env:A",
            "jdbc:unheard:of",
            "jdbc:oracle:thin:scott",
            "••••••••",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }
}
