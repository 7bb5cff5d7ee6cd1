//! Laws of credentials inside addresses and other texts: whatever is in one, nobody is shown it.

use proptest::prelude::*;

use crate::model::config::{Config, Value};
use crate::pipeline::diff::difference;

/// Where a credential may stand, under any key.
const ANYWHERE: [&str; 24] = [
    "https://user:{}@host/path",
    "https://:{}@host:8443/path?x=1",
    "https://${env:USER}:{}@host",
    "http://a:9200,http://user:{}@b:9200",
    "jdbc:postgresql://user:{}@db:5432/x",
    "jdbc:postgresql://db/x?user=a&password={}",
    "jdbc:postgresql://db/x?sslpassword={}&user=a",
    "jdbc:postgresql://db/x?password={}${env:REST}",
    "jdbc:mysql://db:3306/x?password={}&useSSL=true",
    "jdbc:mysql://(host=db,user=a,password={})/x",
    "jdbc:mariadb://address=(host=db)(user=a)(password={})/x",
    "jdbc:sqlserver://db:1433;databaseName=x;user=sa;password={};encrypt=true",
    "jdbc:sqlserver://db;user=sa;pwd={}",
    "jdbc:sqlserver://db;accessToken={}",
    "jdbc:oracle:thin:scott/{}@//db:1521/x",
    "jdbc:oracle:oci:${env:USER}/{}@x",
    "jdbc:db2://db:50000/x:user=a;password={};",
    "jdbc:h2:mem:x;PASSWORD={}",
    "mongodb://app:{}@a:27017,b:27017/x?replicaSet=r",
    "mongodb+srv://app:{}@cluster.example.com/?w=majority",
    "redis://:{}@cache:6379/0",
    "host=db user=a password={}",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}",
    "{\"user\": \"a\", \"password\": \"{}\"}",
];

/// Where one is seen only under the key of an address: elsewhere the same text is mostly none.
const IN_ADDRESSES: [&str; 7] = [
    "{}",
    "https://{}@host/path",
    "https://host/?X-Amz-Signature={}",
    "https://host/?auth={}&x=1",
    "https://host/path#{}",
    "mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:{}",
    "jdbc:unheard:of:{}",
];

const ADDRESSES: [&str; 4] =
    ["connection.url", "database.url", "mongodb.connection.string", "connection.uri"];

fn text() -> impl Strategy<Value = (&'static str, String)> {
    let address = (
        prop::sample::select(ADDRESSES.to_vec()),
        prop::sample::select([&ANYWHERE[..], &IN_ADDRESSES].concat()),
    );
    let any = (Just("target"), prop::sample::select(ANYWHERE.to_vec()));
    // A `$` may begin a placeholder, and what that stands for is not here; what begins as an address is one.
    let credential = ("[ -#%-~é]{0,6}", "[ -#%-~é]{0,6}")
        .prop_map(|(before, after)| format!("{before}hunter2{after}"))
        .prop_filter("no address", |text| !text.contains("://"));
    (prop_oneof![address, any], credential)
        .prop_map(|((key, form), credential)| (key, form.replacen("{}", &credential, 1)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Neither where it is, nor where it was, nor beside a text that anybody may see.
    #[test]
    fn no_credential_in_a_text_is_shown((key, text) in text()) {
        let config = |text: &str| Config::from_iter([(key, Value::new(key, text))]);
        let (own, open) = (config(&text), config("jdbc:postgresql://db/x"));
        let told = format!("{own:?} {:?} {:?}", difference(&own, &open), difference(&open, &own));
        prop_assert!(!told.contains("hunter2"), "{key}: {text}: {told}");
        prop_assert!(!told.contains("jdbc:postgresql://db/x\""), "{key}: {text}: {told}");
    }
}
