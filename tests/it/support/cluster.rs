//! What the stories ask of a fake cluster, and put there, in their own words.

use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;

/// What was written so far: which connector, and what.
pub fn writes(fake: &Fake) -> Vec<(String, WriteKind)> {
    fake.writes().iter().map(|write| (write.connector.clone(), write.kind)).collect()
}

/// Puts a connector there as `file_source` declares it.
pub fn preload(fake: &Fake, name: &str) {
    let pairs =
        [("connector.class", "FileStreamSource"), ("tasks.max", "1"), ("topic", name), ("file", "/dev/null")];
    fake.preload(name, &pairs);
}
