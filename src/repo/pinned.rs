//! Host keys that are pinned by their fingerprints.
//!
//! `ssh` knows files of whole keys only, and a command that it asks for them (`KnownHostsCommand`, since
//! OpenSSH 8.5). This agent is that command: it is told the key that the server showed and what `ssh`
//! makes of it, and gives it back as a known one where its fingerprint is one of the settings'.

use std::io;

use crate::repo::credential::Fingerprint;

/// How the agent is called as that command.
pub const SUBCOMMAND: &str = "ssh-host-key";

/// What `ssh` puts in: why it asks, the host as it stands in files of known hosts, the kind of the key,
/// its fingerprint, and the key.
const SHOWN: &str = "%I %H %t %f %K";

/// The command for `ssh`, which takes it apart as a shell does and needs it from the root.
pub fn command(pinned: &[Fingerprint]) -> io::Result<String> {
    let path = std::env::current_exe()?;
    let path = path.to_str().ok_or_else(|| io::Error::other("the agent's own path is no text"))?;
    let path = path.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    let pinned: Vec<_> = pinned.iter().map(Fingerprint::as_str).collect();
    Ok(format!("\"{path}\" {SUBCOMMAND} {} {SHOWN}", pinned.join(",")))
}

/// What `ssh` told of a key that a server showed.
#[derive(Debug, Clone)]
pub struct Shown {
    /// `ORDER` before a key is there, then `HOSTNAME`.
    pub asked: String,
    /// The host, with its port in `[host]:port` where it is not 22.
    pub host: String,
    /// The kind of the key.
    pub kind: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The key in base64.
    pub key: String,
}

/// The line of a file of known hosts, where the key is pinned; else why not. Nothing is said where `ssh`
/// has seen no key yet.
pub fn judge(pinned: &str, shown: &Shown) -> Result<Option<String>, String> {
    let Shown { asked, host, kind, fingerprint, key } = shown;
    if asked != "HOSTNAME" {
        return Ok(None);
    }
    if pinned.split(',').any(|one| one == fingerprint) && Fingerprint::new(fingerprint).is_some() {
        // A key under a certificate is looked at again without it.
        return Ok((!kind.contains("-cert-")).then(|| format!("{host} {kind} {key}")));
    }
    Err(format!("{host} shows {kind} {fingerprint}, which is not pinned."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
    const B: &str = "SHA256:uNiVztksCsDhcc0u9e8BrG2sBE7rbYLV5Ln2Gh8QzPk";

    fn shown(asked: &str, kind: &str, fingerprint: &str) -> Shown {
        Shown {
            asked: asked.into(),
            host: "[git.example.com]:2222".into(),
            kind: kind.into(),
            fingerprint: fingerprint.into(),
            key: "AAAA".into(),
        }
    }

    #[test]
    fn only_a_pinned_key_is_given_back() {
        let both = format!("{A},{B}");
        let line = Ok(Some("[git.example.com]:2222 ssh-ed25519 AAAA".to_owned()));
        assert_eq!(judge(&both, &shown("HOSTNAME", "ssh-ed25519", B)), line);
        assert_eq!(judge(A, &shown("HOSTNAME", "ssh-ed25519", A)), line);
        assert!(judge(A, &shown("HOSTNAME", "ssh-ed25519", B)).expect_err("not pinned").contains(B));
        // What is no fingerprint fits nothing, whatever is pinned.
        for text in ["", "NONE", "SHA256:", &A[..20]] {
            assert!(judge(text, &shown("HOSTNAME", "ssh-ed25519", text)).is_err(), "{text:?}");
        }
        assert_eq!(judge(A, &shown("ORDER", "NONE", "NONE")), Ok(None));
        assert_eq!(judge(A, &shown("HOSTNAME", "ssh-ed25519-cert-v01@openssh.com", A)), Ok(None));
    }
}
