//! Custom moderation (`alibaba.md` §4.3): what the AuditUrl is asked, and how its answer is read. When it
//! is asked, and what becomes of the message, is not decided here.

use crate::domain::moderation::Verdict;
use serde::Serialize;
use serde_json::Value;

/// A question is signed as an event callback is, for the host of the AuditUrl. The document says that
/// there is an authentication, and not how its headers are called.
pub use super::live_callback::headers;

/// Longest reason that a sender is told, in characters.
const MAX_REASON: usize = 200;

/// The body of one question: the message and nothing else, not even whose it is.
pub fn body(text: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        content: &'a str,
    }
    serde_json::to_vec(&Body { content: text }).expect("a string")
}

/// The verdict in an answer. Only 200 is one; in it, whatever does not say that the message passes
/// refuses it ("Otherwise, the content fails").
pub fn read(status: u16, answer: &[u8]) -> Verdict {
    if status != 200 {
        return Verdict::LetThrough;
    }
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    if answer["pass"] == true {
        return Verdict::Passed;
    }
    let reason = answer["reason"].as_str().unwrap_or_default();
    Verdict::Refused(reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_message_alone() {
        for (text, expected) in [
            ("hello", r#"{"content":"hello"}"#),
            ("", r#"{"content":""}"#),
            ("say \"hi\" \\ 你好 😀 </script>", r#"{"content":"say \"hi\" \\ 你好 😀 </script>"}"#),
            (r#"{"type":"text"}"#, r#"{"content":"{\"type\":\"text\"}"}"#),
            ("a\n\u{1}\u{2028}", "{\"content\":\"a\\n\\u0001\u{2028}\"}"),
        ] {
            assert_eq!(String::from_utf8(body(text)).unwrap(), expected);
        }
    }

    #[test]
    fn answers() {
        let long = format!(r#"{{"reason":"{}","pass":false}}"#, "词".repeat(300));
        let words = "词".repeat(200);
        let refused = |reason: &str| Verdict::Refused(reason.into());
        for (status, answer, expected) in [
            (200, r#"{"pass":true}"#, Verdict::Passed),
            (200, r#" {"reason":"fine","pass":true,"score":0.1}"#, Verdict::Passed),
            (200, r#"{"pass":false,"reason":"an advertisement"}"#, refused("an advertisement")),
            (200, r#"{"pass":false}"#, refused("")),
            (200, r#"{"pass":"true","reason":"text"}"#, refused("text")),
            (200, r#"{"pass":1}"#, refused("")),
            (200, r#"{"Pass":true}"#, refused("")),
            (200, r#"{"pass":null,"reason":7}"#, refused("")),
            (200, r#"[true]"#, refused("")),
            (200, "true", refused("")),
            (200, "", refused("")),
            (200, "<html>pass: true</html>", refused("")),
            (200, r#"{"pass":true"#, refused("")),
            (200, r#"{"pass":false,"reason":"a\n\u0000\u009bb\u007f"}"#, refused("ab")),
            (200, &long, refused(&words)),
            (500, r#"{"pass":false,"reason":"no"}"#, Verdict::LetThrough),
            (204, "", Verdict::LetThrough),
            (302, r#"{"pass":false}"#, Verdict::LetThrough),
            (403, "", Verdict::LetThrough),
        ] {
            assert_eq!(read(status, answer.as_bytes()), expected, "{status} {answer}");
        }
        assert_eq!(read(200, b"\xff{\"pass\":true}"), refused(""));
    }
}
