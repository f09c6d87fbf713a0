//! The credentials that a business's own server makes for its clients (`alibaba.md` §5.1): the login of
//! interactive messaging and the join token of an RTC channel, each made, read and verified. Here is what both
//! are made of. Knows neither sockets nor sessions.

mod channel;
mod login;

pub use channel::{RtcJson, decode_rtc, examine_rtc, make_rtc, read_rtc, rtc_token, verify_rtc};
pub use login::{LoginAuth, LoginJson, VerifiedLogin, examine, login_token, make_login, read_login, verify};

use crate::domain::Millis;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned};
use std::fmt;

/// Longest nonce in bytes; the role has the same bound, because the cloud states none.
const MAX_NONCE: usize = 64;
/// Longest credential text; a real one has about 300 bytes.
const MAX_TEXT: usize = 8 * 1024;

/// What is wrong with a credential, for the person who makes it. A client is told no more than [`LoginError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not readable, or a part of it is out of bounds; how.
    Form(String),
    /// It is for another application, or carries another one's AppSign.
    OtherApp,
    /// The token does not fit what it must be the hash of.
    Token,
    /// Rightly signed, but its time is over.
    Expired,
}

impl From<Flaw> for LoginError {
    fn from(flaw: Flaw) -> LoginError {
        match flaw {
            Flaw::Expired => LoginError::Expired,
            Flaw::Form(_) | Flaw::OtherApp | Flaw::Token => LoginError::Bad,
        }
    }
}

/// Why a credential is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Malformed, of another application, or wrongly signed.
    Bad,
    /// Rightly signed, but its time is over: the client may fetch a new one.
    Expired,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            LoginError::Bad => "the token is malformed or wrong",
            LoginError::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for LoginError {}

/// Unix seconds, sent as a number or as decimal text. The text is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    text: String,
    seconds: i64,
}

impl Expiry {
    /// In unix seconds.
    pub fn at(seconds: i64) -> Expiry {
        Expiry { text: seconds.to_string(), seconds }
    }

    fn parse(text: &str) -> Option<Expiry> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten().map(|seconds| Expiry { text: text.into(), seconds })
    }

    /// Has it the ten digits of a time between 2001 and 2286? What is hashed has no separators: a digit that
    /// moved in from the nonce, or out into the role, would make a token that never ends.
    fn is_whole(&self) -> bool {
        self.text.len() == 10 && !self.text.starts_with('0')
    }

    /// The error of one that is not; `name` as for [`check_length`].
    fn check(&self, name: &str) -> Result<(), Flaw> {
        if self.is_whole() { Ok(()) } else { Err(Flaw::Form(format!("{name} has {} digits; a time in seconds has ten", self.text.len()))) }
    }

    /// Seconds until it is over; 0 or less: it is.
    pub fn left(&self, now: Millis) -> i64 {
        self.seconds.saturating_sub(now.seconds())
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_i64(self.seconds)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        let text = match Either::deserialize(from) {
            Ok(Either::Number(n)) => n.to_string(),
            Ok(Either::Text(text)) => text,
            Err(_) => String::new(),
        };
        Expiry::parse(&text).ok_or_else(|| de::Error::custom("timestamp must be a number of seconds since 1970"))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The JSON text itself, or base64 of it: standard or URL alphabet, with or without padding (`session.md` §2).
/// `shape`: what it looks like, for those whose does not.
pub fn read<T: DeserializeOwned>(text: &str, shape: &str) -> Result<T, Flaw> {
    const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return Err(Flaw::Form(format!("it has {} bytes; {MAX_TEXT} are allowed", text.len())));
    }
    let json = match text.starts_with('{') {
        true => text.as_bytes().to_vec(),
        false => STANDARD.decode(text).or_else(|_| URL.decode(text)).map_err(|e| Flaw::Form(format!("it is neither JSON nor base64: {e}")))?,
    };
    serde_json::from_slice(&json).map_err(|e| Flaw::Form(format!("it is not {shape}: {e}")))
}

/// Which nonces a credential may have. What is hashed has no separators: with a nonce of any shape, whoever has
/// a credential can move the end of a user's id into it, and is another user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceShape {
    /// As the cloud's documents have them (`alibaba.md` §5.1): none, `AK-` with letters, digits, `_` and `-`, or a UUID,
    /// also without its dashes.
    #[default]
    Documented,
    Any,
}

impl NonceShape {
    /// `name` as for [`check_length`].
    fn check(self, name: &str, nonce: &str) -> Result<(), Flaw> {
        check_length(name, nonce)?;
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let uuid = match nonce.len() {
            32 => nonce.bytes().all(|b| b.is_ascii_hexdigit()),
            36 => nonce.bytes().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() }),
            _ => false,
        };
        match self {
            NonceShape::Documented if !(nonce.is_empty() || uuid || nonce.strip_prefix("AK-").is_some_and(plain)) => Err(Flaw::Form(format!(
                "{name} is {nonce:?}: it must be empty, AK- with letters and digits behind it, or a UUID; the setting sessions.any_nonce allows others"
            ))),
            _ => Ok(()),
        }
    }
}

/// `name` is the field's, as its sender knows it.
fn check_length(name: &str, text: &str) -> Result<(), Flaw> {
    if text.len() > MAX_NONCE { Err(Flaw::Form(format!("{name} has {} bytes; {MAX_NONCE} are allowed", text.len()))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_of_the_documents() {
        for (nonce, documented) in [
            ("", true),
            ("AK-", true),
            ("AK-2b9be4b25c2d38c409c376ffd2372be1", true),
            ("AK-a_b-C9", true),
            ("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", true),
            ("0A1B2C3D0A1B0A1B0A1B0A1B2C3D4E5F", true),
            ("n", false),
            ("2AK-abc", false),
            ("AK-a b", false),
            ("AK-ü", false),
            ("1700000000", false),
            ("00a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", false),
            ("00A1B2C3D0A1B0A1B0A1B0A1B2C3D4E5F", false),
            ("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5g", false),
        ] {
            assert_eq!(NonceShape::Documented.check("nonce", nonce).is_ok(), documented, "{nonce}");
            assert!(NonceShape::Any.check("nonce", nonce).is_ok());
        }
        assert!(NonceShape::Any.check("nonce", &"n".repeat(65)).is_err());
    }
}
