//! The elements of a message (`tencent.md` §5.3), a MsgBody: read from what a caller or a Before hook gives, and
//! written of any message, also of one that was said without (`session.md` §3, "One message, two clouds"). Knows no
//! command and no error code, and not how long a message may be.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

const TEXT: &str = "TIMTextElem";
const CUSTOM: &str = "TIMCustomElem";

/// All types of an element that the documents list.
const TYPES: [&str; 9] = [TEXT, CUSTOM, "TIMLocationElem", "TIMFaceElem", "TIMSoundElem", "TIMImageElem", "TIMFileElem", "TIMVideoFileElem", "TIMRelayElem"];

/// Levels of arrays and objects in a MsgBody: it goes on within others', and some clients read no more than 64.
const MOST_LEVELS: usize = 50;

/// Fields of a [`CUSTOM`] element, all texts.
const CUSTOM_FIELDS: [&str; 4] = ["Data", "Desc", "Ext", "Sound"];

/// A legal MsgBody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    /// Its compact JSON; the order of keys and the digits of numbers are as they came.
    pub json: String,
    /// What those read who know nothing of elements: the text where it is one text, else [`Elements::json`].
    pub body: String,
}

/// What is wrong with a MsgBody; each reads on from its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    NotArray(String),
    /// An item that is no element at all.
    Shape(String),
    /// An element that does not fit its type.
    Content(String),
}

/// Reads the JSON of a MsgBody.
pub fn read(text: &str) -> Result<Elements, Flaw> {
    let value: Value = serde_json::from_str(text).map_err(|e| Flaw::NotArray(format!("is no JSON: {e}")))?;
    let list = value.as_array().ok_or_else(|| Flaw::NotArray("must be an array of elements".into()))?;
    if list.is_empty() {
        return Err(Flaw::Shape("is empty; a message has an element at least".into()));
    }
    let elements = list.iter().map(element).collect::<Result<Vec<_>, _>>()?;
    for (kind, content) in &elements {
        check(kind, content)?;
    }
    if elements.iter().filter(|(kind, _)| *kind == CUSTOM).count() > 1 {
        return Err(Flaw::Content(format!("has more than one {CUSTOM}; a message may have one")));
    }
    let (json, levels) = compact(text);
    if levels > MOST_LEVELS {
        return Err(Flaw::Shape(format!("has {levels} levels of arrays and objects; {MOST_LEVELS} are allowed")));
    }
    let body = match elements[..] {
        [(TEXT, content)] => text_of(content).unwrap_or_default().to_owned(),
        _ => json.clone(),
    };
    Ok(Elements { json, body })
}

/// Type and content of an item.
fn element(item: &Value) -> Result<(&str, &Map<String, Value>), Flaw> {
    let missing = |field: &str, what: &str| Flaw::Shape(format!("has an element whose {field} is no {what}: {:.100}", item.to_string()));
    let kind = item.get("MsgType").and_then(Value::as_str).ok_or_else(|| missing("MsgType", "JSON string"))?;
    let content = item.get("MsgContent").and_then(Value::as_object).ok_or_else(|| missing("MsgContent", "object"))?;
    Ok((kind, content))
}

/// Only the type is looked at, and those fields that others read.
fn check(kind: &str, content: &Map<String, Value>) -> Result<(), Flaw> {
    if !TYPES.contains(&kind) {
        return Err(Flaw::Content(format!("has an element of the type {kind:.64}, which is none of: {}", TYPES.join(", "))));
    }
    if kind == TEXT && text_of(content).is_none() {
        return Err(Flaw::Content(format!("has a {TEXT} whose Text is no JSON string")));
    }
    let odd = CUSTOM_FIELDS.iter().find(|field| content.get(**field).is_some_and(|value| !value.is_string()));
    match odd {
        Some(field) if kind == CUSTOM => Err(Flaw::Content(format!("has a {CUSTOM} whose {field} is no JSON string"))),
        _ => Ok(()),
    }
}

fn text_of(content: &Map<String, Value>) -> Option<&str> {
    content.get("Text")?.as_str()
}

/// Legal JSON without the blanks between its tokens, and the levels of arrays and objects in it.
fn compact(text: &str) -> (String, usize) {
    let mut compact = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut level, mut levels) = (false, false, 0usize, 0);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            c if !quoted && c.is_ascii_whitespace() => continue,
            '[' | '{' if !quoted => {
                level += 1;
                levels = levels.max(level);
            }
            ']' | '}' if !quoted => level -= 1,
            _ => {}
        }
        compact.push(c);
    }
    (compact, levels)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Element<T> {
    msg_content: T,
    msg_type: &'static str,
}

fn array(of: impl Serialize) -> String {
    serde_json::to_string(&[of]).expect("texts")
}

/// The elements of a text.
pub fn text(text: &str) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Text<'a> {
        text: &'a str,
    }
    array(Element { msg_content: Text { text }, msg_type: TEXT })
}

/// The elements of a program's own data.
pub fn custom(data: &str, ext: Option<&str>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Custom<'a> {
        data: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        ext: Option<&'a str>,
    }
    array(Element { msg_content: Custom { data, ext }, msg_type: CUSTOM })
}

/// The MsgBody of a message: its `elements`, or what its body and its type (`kind`) are as elements.
pub fn of(body: &str, kind: i32, elements: Option<&str>) -> Box<RawValue> {
    let said = elements.and_then(|json| RawValue::from_string(json.into()).ok());
    said.unwrap_or_else(|| {
        let json = if kind == 1 { text(body) } else { custom(body, Some(&kind.to_string())) };
        RawValue::from_string(json).expect("was serialized just now")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_body_is_kept_as_it_came() {
        let text = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"a \"b\\\" é\n\u00e9"}}"#;
        for (given, json, body) in [
            (format!("[{text}]"), format!("[{text}]"), "a \"b\\\" é\né"),
            (
                r#" [ {"MsgType" : "TIMLocationElem", "MsgContent":{"Longitude":29.340656774469956,"Desc":"a  b", "Latitude":1e2}} ] "#.into(),
                r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Longitude":29.340656774469956,"Desc":"a  b","Latitude":1e2}}]"#.into(),
                "",
            ),
            (format!("[{text},{text}]"), format!("[{text},{text}]"), ""),
            (r#"[{"MsgContent":{"Data":"{}"},"MsgType":"TIMCustomElem"}]"#.into(), r#"[{"MsgContent":{"Data":"{}"},"MsgType":"TIMCustomElem"}]"#.into(), ""),
            (r#"[{"MsgContent":{},"MsgType":"TIMFileElem"}]"#.into(), r#"[{"MsgContent":{},"MsgType":"TIMFileElem"}]"#.into(), ""),
        ] {
            let body = if body.is_empty() { json.clone() } else { body.into() };
            assert_eq!(read(&given), Ok(Elements { json, body }), "{given}");
        }
    }

    #[test]
    fn what_is_no_body_is_told() {
        let custom = r#"{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d"}}"#;
        // Three levels of its own, and none in a text.
        let levels = |n: usize| format!(r#"[{{"MsgType":"TIMFaceElem","MsgContent":{{"Data":"[[\"{{","X":{}{}}}}}]"#, "[".repeat(n - 3), "]".repeat(n - 3));
        assert!(read(&levels(50)).is_ok());
        let deep = format!(r#"[{{"MsgType":"TIMFaceElem","MsgContent":{{"Data":{}"#, "[".repeat(100_000));
        for (text, code, part) in [
            ("", 7, "no JSON"),
            ("null", 7, "array"),
            (r#""[]""#, 7, "array"),
            (r#"{"MsgType":"TIMTextElem"}"#, 7, "array"),
            (deep.as_str(), 7, "no JSON"),
            ("[]", 2, "is empty"),
            ("[1]", 2, "MsgType"),
            (r#"[{"MsgType":1,"MsgContent":{}}]"#, 2, "MsgType"),
            (levels(51).as_str(), 2, "51 levels"),
            (r#"[{"MsgType":"TIMTextElem"}]"#, 2, "MsgContent"),
            (r#"[{"MsgType":"TIMTextElem","MsgContent":"x"}]"#, 2, "MsgContent"),
            (r#"[{"MsgType":"timtextelem","MsgContent":{}}]"#, 10, "TIMTextElem, TIMCustomElem"),
            (r#"[{"MsgType":"TIMTextElem","MsgContent":{}}]"#, 10, "Text"),
            (r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":1}}]"#, 10, "Text"),
            (r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":{}}}]"#, 10, "Data"),
            (&format!("[{custom},{custom}]"), 10, "more than one TIMCustomElem"),
        ] {
            let flaw = read(text).unwrap_err();
            let (got, why) = match &flaw {
                Flaw::NotArray(why) => (7, why),
                Flaw::Shape(why) => (2, why),
                Flaw::Content(why) => (10, why),
            };
            assert!(got == code && why.contains(part), "{text:.80}: {flaw:?}");
        }
    }

    #[test]
    fn every_message_has_elements() {
        let own = r#"[{"MsgType":"TIMFaceElem","MsgContent":{"Index":1}}]"#;
        for (body, kind, elements, expected) in [
            ("a\"b", 1, None, r#"[{"MsgContent":{"Text":"a\"b"},"MsgType":"TIMTextElem"}]"#),
            ("{}", 10_001, None, r#"[{"MsgContent":{"Data":"{}","Ext":"10001"},"MsgType":"TIMCustomElem"}]"#),
            ("x", 1, Some(own), own),
        ] {
            let written = of(body, kind, elements);
            assert_eq!(written.get(), expected);
            assert!(read(written.get()).is_ok(), "{expected}");
        }
        let read = read(of("hello", 1, None).get()).unwrap();
        assert_eq!(read.body, "hello");
        assert_eq!(custom("d", None), r#"[{"MsgContent":{"Data":"d"},"MsgType":"TIMCustomElem"}]"#);
    }
}
