//! What earlier answers of a server over HTTP taught.
//!
//! Takes where and how a listing was answered, gives how the next poll begins and where what was listed is
//! fetched; tells the log once what an operator should know. Nothing of it outlives a poll but how it begins.

use std::sync::Arc;

use tracing::{info, warn};
use url::Url;

use crate::repo::cause::Cause;

/// How a poll begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begin {
    /// With protocol v2's question, which a server that speaks it answers at once.
    #[default]
    Question,
    /// With what the server says first, as git begins: the listing of an old one, else that it speaks v2.
    Greeting,
}

/// What earlier answers taught.
#[derive(Debug, Default)]
pub struct Learned {
    begin: Begin,
    /// Where the last listing was answered, where that is not the address of the settings.
    place: Option<Url>,
    /// The last other place that the log was told of.
    told: Option<Url>,
    told_of_old: bool,
}

impl Learned {
    /// How the next poll begins.
    pub fn begin(&self) -> Begin {
        self.begin
    }

    /// Says how the next poll is to begin.
    pub fn begin_with(&mut self, begin: Begin) {
        self.begin = begin;
    }

    /// Where the last listing was answered, where that is not the address of the settings.
    pub fn place(&self) -> Option<Url> {
        self.place.clone()
    }

    /// Says where a listing was answered. Where a redirect takes the repository from where its credential may be
    /// `shown`, it works or not by what the other place wants.
    pub fn answered_at(&mut self, place: &Url, home: &Url, repository: &Arc<str>, shown: bool) {
        self.place = (place != home).then(|| place.clone());
        if self.place.is_none() || self.place == self.told {
            return;
        }
        self.told = self.place.clone();
        let to = Cause::new(place.as_str());
        if shown && place.origin() != home.origin() {
            warn!(%repository, %to, "a redirect leads to another host, port or scheme, where the credential is not shown; write the address that it leads to");
        } else {
            info!(%repository, %to, "a redirect leads to another address, which is asked for at each poll anew; write the address that it leads to");
        }
    }

    /// Says once that every poll reads all refs.
    pub fn tell_of_old(&mut self, repository: &Arc<str>) {
        if !std::mem::replace(&mut self.told_of_old, true) {
            warn!(%repository, "the server does not speak git's protocol v2, or a proxy before it hides it: each poll reads the names of all its refs");
        }
    }
}
