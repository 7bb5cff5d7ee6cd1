//! Why no connection came about although somebody is there: TLS and certificates.
//!
//! Takes an error of the HTTP client, gives the one cause of a fixed set that a person can do something
//! about. What else may break a connection is left to `http`.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::model::report::Class;

/// Why the agent and Connect do not come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Connect's certificate comes from an authority that the agent does not trust.
    UnknownAuthority,
    /// Connect's certificate is for another name.
    OtherName,
    /// Connect's certificate is no longer valid.
    Expired,
    /// Connect's certificate is not valid yet.
    NotYetValid,
    /// Connect's certificate is not accepted for another reason.
    Certificate,
    /// Connect wants a certificate, and there is none to show.
    CertificateWanted,
    /// Connect does not accept the agent's certificate.
    CertificateRefused,
    /// Connect and the agent have no form of TLS in common.
    NothingInCommon,
    /// What answers to `https` speaks no TLS.
    NoTls,
    /// What answers to `http` speaks no HTTP; TLS looks so.
    NoHttp,
}

impl Trouble {
    /// Every one, in the order of the page that explains them.
    pub const ALL: [Self; 10] = [
        Self::UnknownAuthority,
        Self::OtherName,
        Self::Expired,
        Self::NotYetValid,
        Self::Certificate,
        Self::CertificateWanted,
        Self::CertificateRefused,
        Self::NothingInCommon,
        Self::NoTls,
        Self::NoHttp,
    ];

    /// The class of the failure.
    pub fn class(self) -> Class {
        match self {
            Self::UnknownAuthority
            | Self::OtherName
            | Self::Expired
            | Self::NotYetValid
            | Self::Certificate
            | Self::CertificateWanted
            | Self::CertificateRefused => Class::Denied,
            Self::NothingInCommon | Self::NoTls | Self::NoHttp => Class::NotUnderstood,
        }
    }

    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::UnknownAuthority => "name the certificate authority of Connect with connect.ca_file",
            Self::OtherName => {
                "write a name into connect.url that stands in Connect's certificate, or add this one to the certificate"
            }
            Self::Expired => "renew the certificate of the Connect worker",
            Self::NotYetValid => "is the clock right, on this machine and where the certificate was made?",
            Self::Certificate => {
                "Connect's certificate is not one for a server, or not in a form that is safe today"
            }
            Self::CertificateWanted => {
                "give the agent a certificate with connect.client_certificate_file and connect.client_key_file"
            }
            Self::CertificateRefused => {
                "does Connect trust the authority of connect.client_certificate_file, and is the certificate still valid?"
            }
            Self::NothingInCommon => "the agent speaks TLS 1.2 and 1.3: does the worker?",
            Self::NoTls => "does Connect listen without TLS? write connect.url with http://",
            Self::NoHttp => "does Connect listen with TLS? write connect.url with https://",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => "Connect's certificate comes from an unknown authority",
            Self::OtherName => "Connect's certificate is for another name",
            Self::Expired => "Connect's certificate has expired",
            Self::NotYetValid => "Connect's certificate is not valid yet",
            Self::Certificate => "Connect's certificate is not accepted",
            Self::CertificateWanted => "Connect wants a client certificate, and the agent has none",
            Self::CertificateRefused => "Connect does not accept the agent's certificate",
            Self::NothingInCommon => "Connect and the agent have no form of TLS in common",
            Self::NoTls => "what answers at this address does not speak TLS",
            Self::NoHttp => "what answers at this address does not speak HTTP",
        })
    }
}

/// Finds the cause; `asked_in_vain` says whether a certificate was asked for and there was none,
/// `has_answered` whether the other side ever did without.
pub fn trouble(error: &reqwest::Error, asked_in_vain: bool, has_answered: bool) -> Option<Trouble> {
    let found = causes(error).find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        cause.downcast_ref::<hyper::Error>().filter(|error| error.is_parse()).map(|_| Trouble::NoHttp)
    });
    let refused = match found {
        Some(Trouble::CertificateRefused | Trouble::NothingInCommon) => true,
        Some(_) => false,
        // The alert that says so is lost where the request was still on its way. Of who does not insist
        // it is no alert that was lost.
        None => !has_answered && !error.is_connect() && !error.is_timeout(),
    };
    if asked_in_vain && refused { Some(Trouble::CertificateWanted) } else { found }
}

fn of_tls(error: &rustls::Error) -> Option<Trouble> {
    Some(match error {
        rustls::Error::InvalidCertificate(error) => match error {
            // An authority that was made anew under its old name has another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Trouble::UnknownAuthority,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Trouble::OtherName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Trouble::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Trouble::NotYetValid
            }
            _ => Trouble::Certificate,
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied => Trouble::CertificateRefused,
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity => Trouble::NothingInCommon,
            _ => return None,
        },
        rustls::Error::PeerIncompatible(_) => Trouble::NothingInCommon,
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Trouble::NoTls,
        _ => return None,
    })
}

/// An error and its causes. What an `io::Error` wraps is not its source, but stands in its place.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn Error + 'static) = *error;
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
