//! Where an application's webhooks go, of its live rooms and of its chat (`tencent.md` §3, §6.1): what the URL, the
//! words and the token of either may be. How one is set is with those who set it.

use crate::domain::{address::AllowList, endpoint::CallbackUrl};
use std::net::IpAddr;

/// Words in one list, repeated ones included; undocumented.
pub const MOST_WORDS: usize = 100;
/// Bytes of a token, which is not empty.
pub const MAX_TOKEN: usize = 128;
/// What a URL must not have anywhere, besides blanks (§3).
const NOT_IN_URL: [char; 4] = ['!', '$', '&', '?'];
/// Bytes of one part of a host's name.
const MAX_LABEL: usize = 63;

/// The cloud's rule for these URLs, any port among them, and then who may be called from here at all.
pub fn check_url(allow: &AllowList, text: &str) -> Result<(), String> {
    if let Some(c) = text.chars().find(|c| c.is_whitespace() || NOT_IN_URL.contains(c)) {
        return Err(format!("has {c:?}, which is not allowed in it"));
    }
    let url = CallbackUrl::parse(text).ok_or("must be http:// or https:// and a host, perhaps with a port and a path")?;
    let label = |part: &str| (1..=MAX_LABEL).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if url.host.parse::<IpAddr>().is_err() && !url.host.split('.').all(label) {
        return Err(format!("has the host {}; a host has letters, digits, hyphens and dots, and at most {MAX_LABEL} between two dots", url.host));
    }
    allow.with_any_port().check_url(&url)
}

/// Each of them must be one of those that are known.
pub fn check_words<T: AsRef<str>>(words: &[T], known: &[&str]) -> Result<(), String> {
    match words.iter().map(AsRef::as_ref).find(|word| !known.contains(word)) {
        Some(word) => Err(format!("has {word}, which is none of: {}", known.join(", "))),
        None => Ok(()),
    }
}
