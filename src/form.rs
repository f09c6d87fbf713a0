//! Parameters as they travel: form-encoded on the wire, RFC 3986 inside what is signed
//! (`alibaba.md` §0.5). Decodes strictly, because a name or value that two readers may
//! understand differently must not be signed one way and used another. Must not import anything of ours.

use std::{collections::BTreeMap, fmt};

/// Why parameters could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadForm {
    /// `%` without two hex digits after it.
    Percent,
    /// The decoded bytes are no UTF-8.
    Utf8,
    /// The same name twice: which one counts would be a guess.
    Twice(String),
}

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            BadForm::Percent => write!(f, "there is a % without two hex digits after it"),
            BadForm::Utf8 => write!(f, "a part of it is not UTF-8"),
            BadForm::Twice(name) => write!(f, "parameter {name} is given more than once"),
        }
    }
}

impl std::error::Error for BadForm {}

/// Decoded parameters, sorted by name in byte order, each name once.
pub type Form = BTreeMap<String, String>;

/// Adds `a=1&b=x+y%2A` to `form`; `+` is a space, empty pieces are skipped, no `=` means empty.
pub fn read(form: &mut Form, text: &[u8]) -> Result<(), BadForm> {
    // Before the % is looked at: a plus that is meant comes as %2B.
    let text: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    for piece in text.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
        let at = piece.iter().position(|b| *b == b'=');
        let (name, value) = at.map_or((piece, &piece[piece.len()..]), |at| (&piece[..at], &piece[at + 1..]));
        let (name, value) = (decode(name)?, decode(value)?);
        if form.contains_key(&name) {
            return Err(BadForm::Twice(name.chars().take(64).collect()));
        }
        form.insert(name, value);
    }
    Ok(())
}

/// `%XX` becomes its byte; everything else, `+` too, stays. As in a path.
pub fn decode(text: &[u8]) -> Result<String, BadForm> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(b) = rest.next() {
        out.push(match b {
            b'%' => {
                let mut digit = || rest.next().and_then(|d| (*d as char).to_digit(16)).ok_or(BadForm::Percent);
                (digit()? * 16 + digit()?) as u8
            }
            b => *b,
        });
    }
    String::from_utf8(out).map_err(|_| BadForm::Utf8)
}

/// RFC 3986: all but `A-Za-z0-9-_.~` becomes `%XX`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(b as char),
            b => {
                const DIGITS: &[u8] = b"0123456789ABCDEF";
                out.extend(['%', DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]);
            }
        }
    }
    out
}

/// `name=value` joined by `&`, sorted by name: what both request signatures are made over.
pub fn canonical<'a>(params: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut pairs: Vec<_> = params.into_iter().collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let pairs = |p: &[(&str, &str)]| Ok(p.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Form>());
        for (text, expected) in [
            (&b"a=1&b=x+y%2A%2B~"[..], pairs(&[("a", "1"), ("b", "x y*+~")])),
            (b"", pairs(&[])),
            (b"&&a&b=&=c&", pairs(&[("a", ""), ("b", ""), ("", "c")])),
            (b"a=b=c", pairs(&[("a", "b=c")])),
            (b"i=i+n%26f%3Do%2F%E4%B8%AD", pairs(&[("i", "i n&f=o/\u{4e2d}")])),
            (b"a=%", Err(BadForm::Percent)),
            (b"a=%4", Err(BadForm::Percent)),
            (b"a=%zz", Err(BadForm::Percent)),
            (b"a=%+1", Err(BadForm::Percent)),
            (b"a=%ff", Err(BadForm::Utf8)),
            (b"%c3%28=1", Err(BadForm::Utf8)),
            (b"a=\xff", Err(BadForm::Utf8)),
            (b"a=1&a=1", Err(BadForm::Twice("a".into()))),
            (b"Signature=x&%53ignature=y", Err(BadForm::Twice("Signature".into()))),
        ] {
            let mut form = Form::new();
            let got = read(&mut form, text).map(|()| form);
            assert_eq!(got, expected, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn encoding_keeps_only_the_unreserved() {
        assert_eq!(encode("aZ0-_.~ *+/\u{4e2d}"), "aZ0-_.~%20%2A%2B%2F%E4%B8%AD");
    }
}
