//! Who the agent is, in the headers of each request.
//!
//! Takes the credential and the headers of the settings, gives requests that carry them. Whether
//! Connect accepts them is left to `refusal`.

use std::str;

use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::connect::access::{Credential, Header};
use crate::connect::error::Error;
use crate::connect::renewed::{Contents, Named, Renewed};
use crate::connect::unusable::Problem;
use crate::model::password::Password;

const PASSWORD_FILE: &str = "connect.basic_auth.password_file";
const TOKEN_FILE: &str = "connect.bearer_token_file";

/// What every request carries.
pub struct Login {
    who: Who,
    headers: HeaderMap,
}

enum Who {
    Nobody,
    Basic { username: String, password: Renewed<String> },
    Bearer(Renewed<String>),
}

impl Login {
    /// Reads what the settings name.
    pub fn new(credential: Option<&Credential>, headers: &[Header]) -> Result<Self, Error> {
        let who = match credential {
            None => Who::Nobody,
            Some(Credential::Basic { username, password }) => {
                let password = match password {
                    Password::Text(text) => {
                        let text = text.clone();
                        Renewed::new(Vec::new(), move |_| Ok(text.clone()))?
                    }
                    Password::File(path) => {
                        let file = Named { key: PASSWORD_FILE, path: path.clone() };
                        Renewed::new(vec![file], |contents| line(contents, PASSWORD_FILE))?
                    }
                };
                Who::Basic { username: username.clone(), password }
            }
            Some(Credential::Bearer(path)) => {
                let file = Named { key: TOKEN_FILE, path: path.clone() };
                Who::Bearer(Renewed::new(vec![file], token)?)
            }
        };
        Ok(Self { who, headers: headers.iter().map(Header::pair).collect() })
    }

    /// Adds it to a request.
    pub fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.headers(self.headers.clone());
        match &self.who {
            Who::Nobody => request,
            Who::Basic { username, password } => request.basic_auth(username, Some(password.now())),
            Who::Bearer(token) => request.bearer_auth(token.now()),
        }
    }
}

/// The one line that a file holds, without the end of the line.
fn line(contents: &Contents, key: &'static str) -> Result<String, Error> {
    let text = str::from_utf8(contents.of(key).unwrap_or_default());
    let text = text.map_err(|_| contents.unusable(key, Problem::NotALine))?.trim_end_matches(['\r', '\n']);
    match text {
        "" => Err(contents.unusable(key, Problem::Empty)),
        text if text.contains(char::is_control) => Err(contents.unusable(key, Problem::NotALine)),
        text => Ok(text.to_owned()),
    }
}

/// A token, which a header can carry as it is.
fn token(contents: &Contents) -> Result<String, Error> {
    let text = line(contents, TOKEN_FILE)?;
    let text = text.trim();
    match HeaderValue::from_str(text) {
        Ok(_) if text.is_empty() => Err(contents.unusable(TOKEN_FILE, Problem::Empty)),
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(contents.unusable(TOKEN_FILE, Problem::NotALine)),
    }
}
