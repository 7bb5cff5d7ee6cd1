//! What the settings file may hold, in the words that schemas are made of.
//!
//! Takes the table of keys, gives fields by their paths. The maps inside of single keys have their
//! tables here, and their readers take the known keys from them.

use crate::model::name;
use crate::model::shape::{Field, NO_DOT, Shape, Takes};
use crate::settings::keys;

/// One credential.
pub static CREDENTIAL: Shape = Shape::new(
    "What to show to one host, and to no other.",
    &[
        Field::new("host", Takes::Text, "The host with its port: `git.example.com` is https on 443 and ssh on 22, `git.example.com:8443` both on 8443, `http://git.example.com:8080` plain http. `https://` and `ssh://` leave one of the two.").needed(),
        Field::new("username", TEXT, "The user name."),
        Field::new("password", TEXT, "The password or token itself, instead of a file."),
        Field::new("password_file", TEXT, "The file that holds the password or token, in one line. It is read for each request."),
        Field::new("ca_file", TEXT, "Certificate authorities to trust at this host (PEM), instead of the system's."),
        Field::new("ssh_key_file", TEXT, "The private key for SSH, without a passphrase. Others may read the file: `ssh` is given a copy."),
        Field::new("known_hosts_file", TEXT, "The host keys that are trusted for SSH, and no others."),
        Field::new("host_key_fingerprints", FINGERPRINTS, "The SHA-256 of the host keys that are trusted for SSH, instead of a file: `SHA256:…`, as `ssh-keygen -l` writes it."),
    ],
);

/// What must be signed in one import.
pub static IMPORT_VERIFY: Shape = Shape::new(
    "What must be signed in the repository at one address.",
    &[
        Field::new("git", Takes::Text, "The address, as it stands in `tagalong.yaml`.").needed(),
        Field::new(
            "what",
            Takes::OrNull(&Takes::Word(&["tag", "commit", "tag-and-commit", "tag-or-commit", "none"])),
            "What must be signed.",
        )
        .default("tag"),
        Field::new(
            "allowed_signers_file",
            TEXT,
            "Who may sign with SSH; without either file, those of the main repository.",
        ),
        Field::new(
            "openpgp_keys_file",
            TEXT,
            "Who may sign with OpenPGP; without either file, those of the main repository.",
        ),
    ],
);

/// A folder of `extra`.
pub static EXTRA_FOLDER: Shape = Shape::new(
    "A folder with the names of connectors that are its own.",
    &[
        Field::new("folder", Takes::Text, "Where it is.").needed(),
        Field::new(
            "names",
            Takes::OrNull(&Takes::List(&Takes::Text)),
            "Patterns with `*` and `?` of the names that it declares: those alone, and no other folder does. Without them it deletes nothing.",
        ),
    ],
);

/// A pause of all writing.
pub static SUSPEND: Shape = Shape::new(
    "Nothing is written for now; the agent goes on looking and telling.",
    &[
        Field::new("reason", Takes::Text, "Why: somebody will ask.").needed(),
        Field::new("until", Takes::OrNull(&Takes::Time), "When it ends by itself."),
    ],
);

const CREDENTIALS: Takes = Takes::List(&Takes::Fields(&CREDENTIAL));
const EXTRA_FOLDERS: Takes = Takes::List(&Takes::TextOr(&EXTRA_FOLDER));
const FINGERPRINTS: Takes = Takes::OrNull(&Takes::List(&Takes::Text));
const VERIFICATIONS: Takes = Takes::List(&Takes::Fields(&IMPORT_VERIFY));
const TEXT: Takes = Takes::OrNull(&Takes::Text);

/// Every setting, by its path.
pub fn fields() -> Vec<Field> {
    keys::KEYS
        .iter()
        .map(|key| Field::new(key.path, takes(key.takes), key.says).default(key.default))
        .collect()
}

fn takes(takes: keys::Takes) -> Takes {
    match takes {
        keys::Takes::Text => Takes::Text,
        keys::Takes::Flag => Takes::Flag,
        keys::Takes::Number => Takes::Number,
        keys::Takes::Limit => Takes::Limit,
        keys::Takes::Duration => Takes::Length,
        keys::Takes::Word(words) => Takes::Word(words),
        keys::Takes::Texts => Takes::List(&Takes::Text),
        keys::Takes::Tree => Takes::Entries(NO_DOT, &Takes::Tree),
        keys::Takes::Headers => Takes::Entries("", &Takes::Text),
        keys::Takes::Folders => Takes::Entries(name::IMPORT, &Takes::Text),
        keys::Takes::Credentials => CREDENTIALS,
        keys::Takes::Verifications => VERIFICATIONS,
        keys::Takes::ExtraFolders => EXTRA_FOLDERS,
        keys::Takes::Suspend => Takes::Fields(&SUSPEND),
    }
}
