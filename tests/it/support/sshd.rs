//! A real `sshd` of a test's own, with its keys and the files that know them.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tagalong::model::revision::Reference;
use tagalong::repo::credential::{Credential, Host, HostKeys};
use tagalong::repo::options::GitOptions;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const SSHD: &str = "/usr/sbin/sshd";

/// Runs a program to its end, and gives what it said.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("start {program}, which this test needs"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A server on a free port: each connection gets an `sshd` of its own, which ends with it.
pub struct Sshd {
    folder: tempfile::TempDir,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Sshd {
    /// `options` go before the key in `authorized_keys`.
    pub async fn start(options: &str) -> Result<Self> {
        ensure!(Path::new(SSHD).exists(), "{SSHD} is missing: install openssh-server");
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        for name in ["host", "other-host", "user", "other-user"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &at(name)])?;
        }
        if run("id", &["-u"])? == "0" {
            // Where no service manager has made it.
            fs::create_dir_all("/run/sshd")?;
        }
        let key = fs::read_to_string(at("user.pub"))?;
        fs::write(at("authorized_keys"), format!("{options} {key}"))?;
        let settings = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel QUIET\n",
            at("host"),
            at("authorized_keys")
        );
        fs::write(at("sshd_config"), settings)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, folder.path().join("sshd_config")));
        let this = Self { folder, address, accepting };
        this.know("known_hosts", "host.pub")?;
        this.know("wrong_hosts", "other-host.pub")?;
        fs::write(this.at("no_hosts"), "")?;
        Ok(this)
    }

    /// Writes a file that knows this server by a key.
    pub fn know(&self, file: &str, key: &str) -> Result<()> {
        let key = fs::read_to_string(self.at(key))?;
        fs::write(self.at(file), format!("[127.0.0.1]:{} {key}", self.address.port()))?;
        Ok(())
    }

    /// A file of it: `user`, `other-user`, `host` and `other-host` are keys, `known_hosts`, `wrong_hosts` and
    /// `no_hosts` are for the agent.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of a repository.
    pub fn url(&self, path: &Path) -> Result<String> {
        Ok(format!("ssh://{}@{}{}", run("id", &["-un"])?, self.address, path.display()))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Adds to its settings, for connections from now on.
    pub fn configure(&self, more: &str) -> Result<()> {
        let settings = fs::read_to_string(self.at("sshd_config"))?;
        Ok(fs::write(self.at("sshd_config"), settings + more)?)
    }

    /// Where it listens, as `host:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What an agent needs to read a repository there.
    pub fn options(&self, path: &Path, reference: Reference) -> Result<GitOptions> {
        let mut options = GitOptions::new(self.url(path)?, reference);
        let host = Host::new(&self.address.to_string()).context("a host")?;
        options.credentials.push(Credential {
            ssh_key_file: Some(self.at("user")),
            host_keys: HostKeys::File(self.at("known_hosts")),
            ..Credential::at(host)
        });
        Ok(options)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, settings: PathBuf) {
    while let Ok((stream, _)) = listener.accept().await {
        let settings = settings.clone();
        tokio::spawn(async move {
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            let mut sshd = tokio::process::Command::new(SSHD)
                .args(["-i", "-e", "-f"])
                .arg(settings)
                .stdin(Stdio::from(OwnedFd::from(stream.try_clone()?)))
                .stdout(Stdio::from(OwnedFd::from(stream)))
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            sshd.wait().await
        });
    }
}
