//! Who is shown a credential over HTTP, and which redirects are followed.
//!
//! Takes the URL of the settings and the credentials, gives requests with or without one. A credential
//! goes to the origin (scheme, host and port) of that URL and nowhere else, whatever a server says.

use std::io;

use reqwest::RequestBuilder;
use url::Url;

use crate::files;
use crate::model::password::Password;
use crate::repo::cause::Cause;
use crate::repo::credential::{Credential, Way};
use crate::repo::error::Error;
use crate::repo::problem::RedirectProblem;

/// The longest file with a password or a token.
const LONGEST: u64 = 64 * 1024;

/// Where a repository is at home, and what is shown there.
#[derive(Debug)]
pub struct Home {
    /// The repository's URL, without a user.
    pub url: Url,
    /// The user that stood in it.
    pub user: Option<String>,
    /// The credentials of all hosts.
    pub credentials: Vec<Credential>,
}

impl Home {
    /// Adds the credential to a request, where it goes to the origin that the credential is meant for.
    pub async fn authorize(&self, request: RequestBuilder, place: &Url) -> Result<RequestBuilder, Error> {
        if place.origin() != self.url.origin() {
            return Ok(request);
        }
        Ok(match self.credential() {
            Some(credential) => {
                let user = credential.username.as_deref().or(self.user.as_deref()).unwrap_or("git");
                let password = match &credential.password {
                    Some(password) => Some(text_of(password).await?),
                    None => None,
                };
                request.basic_auth(user, password)
            }
            None => match &self.user {
                Some(user) => request.basic_auth(user, Some("")),
                None => request,
            },
        })
    }

    /// Whether a request to a place carries something.
    pub fn shows_something_at(&self, place: &Url) -> bool {
        place.origin() == self.url.origin() && (self.user.is_some() || self.credential().is_some())
    }

    fn credential(&self) -> Option<&Credential> {
        let (way, host) = (Way::of(self.url.scheme())?, self.url.host_str()?);
        self.credentials.iter().find(|credential| {
            credential.password.is_some() && credential.fits(way, host, self.url.port(), self.user.as_deref())
        })
    }
}

/// The password as it is now. A file is read for each request, so that it may be renewed.
pub async fn text_of(password: &Password) -> Result<String, Error> {
    let path = match password {
        Password::Text(text) => return Ok(text.clone()),
        Password::File(path) => path,
    };
    let refused = |source| Error::SettingsFile { what: "the password", path: path.clone(), source };
    let bytes = files::read_aside(path, LONGEST).await.map_err(refused)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| refused(io::Error::other(error)))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(refused(io::Error::other("it is empty"))),
        text => Ok(text.to_owned()),
    }
}

/// What stands below a repository for the two requests that are redirected.
const BELOW: [&str; 2] = ["/info/refs", "/git-upload-pack"];

/// Where a redirect puts the repository; else where it leads, and why that is not
/// followed.
pub fn follow(from: &Url, to: &str) -> Result<Url, (String, RedirectProblem)> {
    let shown = |url: &Url| Cause::new(url.as_str()).to_string();
    let mut url = from.join(to).map_err(|_| ("nowhere".to_owned(), RedirectProblem::Elsewhere))?;
    // Userinfo that a server writes would become a header of ours.
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return Err(("an address without a host".to_owned(), RedirectProblem::Elsewhere));
    }
    url.set_fragment(None);
    match (from.scheme(), url.scheme()) {
        ("https", "http") => return Err((shown(&url), RedirectProblem::Downgrade)),
        (_, "http" | "https") => {}
        (_, _) => return Err((shown(&url), RedirectProblem::Elsewhere)),
    }
    let Some(path) = BELOW.iter().find_map(|below| url.path().strip_suffix(below)).map(str::to_owned) else {
        return Err((shown(&url), RedirectProblem::Elsewhere));
    };
    url.set_path(&path);
    url.set_query(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use reqwest::Client;
    use reqwest::header::AUTHORIZATION;

    use super::*;
    use crate::repo::credential::Host;
    use crate::tls;

    #[tokio::test]
    async fn a_credential_is_shown_at_its_own_scheme_host_and_port_and_where_all_three_are_the_same() {
        tls::prepare();
        let url = |text: &str| Url::parse(text).expect("a URL");
        let credential = Credential {
            password: Some(Password::Text("hunter2".to_owned())),
            ..Credential::at(Host::new("https://git.example.com:8443").expect("a host"))
        };
        for (user, credentials) in [(None, vec![credential]), (Some("ada".to_owned()), Vec::new())] {
            let home = Home { url: url("https://git.example.com:8443/x"), user, credentials };
            let shown_at = async |place: &str| {
                let place = url(place);
                let request =
                    home.authorize(Client::new().get(place.clone()), &place).await.expect("a request");
                let is_shown = request.build().expect("a request").headers().contains_key(AUTHORIZATION);
                assert_eq!(is_shown, home.shows_something_at(&place), "{place}");
                is_shown
            };
            for place in ["https://git.example.com:8443/x", "https://GIT.example.com:8443/elsewhere"] {
                assert!(shown_at(place).await, "{place}");
            }
            for place in [
                "http://git.example.com:8443/x",
                "https://git.example.com/x",
                "https://git.example.com:443/x",
                "https://git.example.com:8444/x",
                "https://example.com:8443/x",
                "https://other.example.com:8443/x",
                "https://git.example.com.example.net:8443/x",
                "https://a.git.example.com:8443/x",
            ] {
                assert!(!shown_at(place).await, "{place}");
            }
        }
    }
}
