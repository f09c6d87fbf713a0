//! The message in a client's data (`session.md` §3, §6): to a group, or to one user. The data is JSON
//! whatever the encoding around it.

use super::fields::{Fields, bad, must};
use crate::domain::{Refusal, direct::DirectDraft, message::Draft};

/// Weight of a message that says `"level":"HIGH"` (`alibaba.md` §2.4).
const HIGH: i32 = 1_000_000;

/// The data of a publish: an object with `body` says everything, anything else is itself the body.
pub fn to_group(data: &str) -> Result<Draft, Refusal> {
    match Fields::read(data) {
        Ok(fields) if fields.json("body").is_some() => Ok(Draft {
            weight: match fields.int32("weight")? {
                Some(weight) => weight,
                None => level(&fields)?,
            },
            increase: fields.int("increase", i32::MIN.into(), i32::MAX.into())?.unwrap_or(1),
            no_storage: fields.flag("no_storage")?.unwrap_or(false),
            no_cache: fields.flag("no_cache")?.unwrap_or(false),
            skip_audit: fields.flag("audit")? == Some(false),
            ..said(&fields)?
        }),
        _ => Ok(Draft::text(text_of(data))),
    }
}

/// Somebody else's client gets it now or never: there is nothing to store, and nobody waits for an
/// acknowledgement.
pub fn to_user(fields: &Fields) -> Result<DirectDraft, Refusal> {
    let draft = Draft { weight: level(fields)?, no_storage: true, ..said(fields)? };
    Ok(DirectDraft { receiver: fields.user()?, draft, reliable: false, chat: None })
}

/// What every message may say of itself.
fn said(fields: &Fields) -> Result<Draft, Refusal> {
    let body = text_of(must("body", fields.json("body"))?);
    Ok(Draft { kind: fields.int32("type")?.unwrap_or(1), tid: fields.tid()?, ..Draft::text(body) })
}

fn level(fields: &Fields) -> Result<i32, Refusal> {
    match fields.text("level")?.as_deref() {
        Some("HIGH") => Ok(HIGH),
        None | Some("" | "NORMAL") => Ok(1),
        Some(other) => Err(bad("level", format!("{other:?} is unknown: write NORMAL or HIGH"))),
    }
}

/// A JSON string's text; of any other JSON its compact form, in the order in which it came. Its strings are
/// written anew, so that no escape hides a word from who looks for it.
fn text_of(json: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return text;
    }
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(c) = rest.chars().next() {
        let end = if c == '"' { end_of_string(rest) } else { c.len_utf8() };
        let (token, after) = rest.split_at(end);
        rest = after;
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            // Half of a surrogate pair is no text; it stays as it came.
            '"' => match serde_json::from_str::<String>(token) {
                Ok(text) => out += &serde_json::Value::String(text).to_string(),
                Err(_) => out += token,
            },
            _ => out += token,
        }
    }
    out
}

/// Bytes of the string that the JSON begins with, its quotes included.
fn end_of_string(json: &str) -> usize {
    let mut escaped = false;
    for (at, c) in json.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_says_a_message_or_is_one() {
        for (data, body, kind) in [
            ("{\"body\":\"hi\",\"type\":7}", "hi", 7),
            ("{\"body\": {\"a\": [1, 2], \"b c\": \"d \\\" e\"}}", "{\"a\":[1,2],\"b c\":\"d \\\" e\"}", 1),
            ("{\"t\": \"\\u0062ad \\u574f\\/\", \"a\": 1.50}", "{\"t\":\"bad 坏/\",\"a\":1.50}", 1),
            ("[\"\\ud800 \", \"\\\\\", \"x\"]", "[\"\\ud800 \",\"\\\\\",\"x\"]", 1),
            ("{\"b\\u006fdy\":\"escaped\"}", "escaped", 1),
            ("\"plain\"", "plain", 1),
            ("{\"x\": 1}", "{\"x\":1}", 1),
            ("null", "null", 1),
            ("{\"body\":null,\"x\":2}", "{\"body\":null,\"x\":2}", 1),
            ("{\"body\":\"\"}", "", 1),
        ] {
            let draft = to_group(data).unwrap();
            assert_eq!((draft.body.as_str(), draft.kind), (body, kind), "{data}");
        }
    }

    #[test]
    fn a_publish_says_how_it_is_to_be_treated() {
        let all = "{\"body\":1,\"tid\":\"t\",\"weight\":5,\"level\":\"HIGH\",\"increase\":-3,\"no_storage\":true,\"no_cache\":true,\"audit\":false}";
        let plain = Draft::text("1");
        let draft = to_group(all).unwrap();
        assert_eq!((draft.tid.unwrap().as_str(), draft.weight, draft.increase), ("t", 5, -3));
        assert!(draft.no_storage && draft.no_cache && draft.skip_audit && !draft.flagged);
        assert_eq!(to_group("{\"body\":1,\"tid\":\"\",\"level\":\"\",\"weight\":null,\"audit\":true}"), Ok(plain));
        assert_eq!(to_group("{\"body\":1,\"level\":\"HIGH\"}").unwrap().weight, HIGH);
    }

    #[test]
    fn what_is_wrong_with_a_message_is_told_by_its_name() {
        for (name, value) in [
            ("tid", "\"a\\nb\""),
            ("tid", "7"),
            ("type", "\"x\""),
            ("type", "2147483648"),
            ("type", "1.5"),
            ("weight", "true"),
            ("level", "\"LOUD\""),
            ("increase", "\"1\""),
            ("no_storage", "1"),
            ("no_cache", "\"true\""),
            ("audit", "0"),
        ] {
            let data = format!("{{\"body\":\"\",\"{name}\":{value}}}");
            match to_group(&data) {
                Err(Refusal::Bad { what, .. }) => assert_eq!(what, name, "{data}"),
                other => panic!("{data}: {other:?}"),
            }
        }
    }
}
