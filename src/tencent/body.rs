//! Parameters in a request's body (`tencent.md` §4, §5): a JSON object whose fields have strict types, and
//! lengths in bytes of UTF-8. Gives typed values or the error that names the field. Knows no command, but that two
//! generations of names are alive (§5.9).

use super::error::{Code, Family, RestError};
use crate::domain::{GroupId, UserId, id::MAX_ID, quota};
use serde_json::{Map, Value};

/// Longest name of a user that is named for something new, in bytes (§2.1).
pub const MAX_NEW_USER: usize = 32;

/// An object of the body.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    fields: &'a Map<String, Value>,
    /// The field that it is in; empty for the whole body.
    within: &'a str,
    /// What an illegal value is told with.
    bad: Code,
}

/// Reads a body, which must be an object.
pub fn parse(bytes: &[u8], family: Family) -> Result<Map<String, Value>, RestError> {
    const FAILED: &str = "Fail to Parse json data of body, Please check it";
    let why = |why: String| match family {
        // As documented, to the letter (§1.3).
        Family::C2c => RestError::new(Code::BadDirectJson, FAILED),
        _ => RestError::new(Code::BadJson, format!("{FAILED}: {why}")),
    };
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(why("it must be an object, such as {}".into())),
        Err(_) if bytes.is_empty() => Err(why("it is empty; send {} where there is nothing to say".into())),
        Err(e) => Err(why(e.to_string())),
    }
}

impl<'a> Body<'a> {
    pub fn new(fields: &'a Map<String, Value>, family: Family) -> Body<'a> {
        Body { fields, within: "", bad: family.bad_parameter() }
    }

    /// The same, where an illegal or missing value has a code of its own.
    pub fn telling(self, bad: Code) -> Body<'a> {
        Body { bad, ..self }
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Is one of these fields a list with something in it?
    pub fn lists_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.fields.get(*name).and_then(Value::as_array).is_some_and(|list| !list.is_empty()))
    }

    /// Which of two names of one field is given; the new one where neither is.
    pub fn either(&self, new: &'a str, old: &'a str) -> &'a str {
        if !self.has(new) && self.has(old) { old } else { new }
    }

    /// A text of at most `most` bytes.
    pub fn text(&self, name: &str, most: usize) -> Result<Option<&'a str>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        self.as_text(name, value, most).map(Some)
    }

    /// A text that must be there, and not empty.
    pub fn some_text(&self, name: &str, most: usize) -> Result<&'a str, RestError> {
        let text = self.text(name, most)?.ok_or_else(|| self.missing(name))?;
        if text.is_empty() { Err(self.bad(name, "is empty")) } else { Ok(text) }
    }

    /// A whole number from `from` to `to`, both included.
    pub fn int(&self, name: &str, from: i64, to: i64) -> Result<Option<i64>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        match value.as_i64() {
            Some(n) if (from..=to).contains(&n) => Ok(Some(n)),
            _ => Err(self.bad(name, format!("must be a whole number from {from} to {to}"))),
        }
    }

    /// 32 bits without a sign, as counts and seconds are.
    pub fn number(&self, name: &str) -> Result<Option<u32>, RestError> {
        let n = self.int(name, 0, u32::MAX.into())?;
        Ok(n.map(|n| n as u32)) // in range by the check
    }

    /// [`Body::number`], which must be there.
    pub fn some_number(&self, name: &str) -> Result<u32, RestError> {
        self.number(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.bad(name, "must be true or false"))
    }

    /// 0 or 1.
    pub fn bit(&self, name: &str) -> Result<Option<bool>, RestError> {
        Ok(self.int(name, 0, 1)?.map(|bit| bit == 1))
    }

    /// A number that must be there; one generation of clients sends it as a text (§5.9).
    pub fn some_number_or_text(&self, name: &str) -> Result<u32, RestError> {
        match self.fields.get(name) {
            Some(Value::String(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map_err(|_| self.bad(name, format!("must be a whole number from 0 to {}", u32::MAX)))
            }
            _ => self.some_number(name),
        }
    }

    /// A list of more than `most` items is told with `code`; a list that is none, later.
    pub fn at_most(&self, name: &str, most: usize, code: Code) -> Result<(), RestError> {
        match self.fields.get(name).and_then(Value::as_array) {
            Some(list) if list.len() > most => Err(RestError { number: code as u32, code, ..self.too_many(name, list.len(), most) }),
            _ => Ok(()),
        }
    }

    /// An object in it.
    pub fn part(&self, name: &'a str) -> Result<Option<Body<'a>>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        let fields = value.as_object().ok_or_else(|| self.bad(name, "must be an object"))?;
        Ok(Some(Body { fields, within: name, ..*self }))
    }

    /// An array of at most `most` items.
    pub fn list(&self, name: &str, most: usize) -> Result<Option<&'a [Value]>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| self.bad(name, "must be an array"))?;
        if list.len() > most {
            return Err(self.too_many(name, list.len(), most));
        }
        Ok(Some(list))
    }

    /// [`Body::list`], which must be there and not empty.
    pub fn some_list(&self, name: &str, most: usize) -> Result<&'a [Value], RestError> {
        let list = self.list(name, most)?.ok_or_else(|| self.missing(name))?;
        if list.is_empty() { Err(self.bad(name, "is empty")) } else { Ok(list) }
    }

    /// An array of objects, which must be there and not empty.
    pub fn some_parts(&self, name: &'a str, most: usize) -> Result<Vec<Body<'a>>, RestError> {
        self.some_list(name, most)?;
        self.parts(name, most)
    }

    /// An array of objects; absent: none.
    pub fn parts(&self, name: &'a str, most: usize) -> Result<Vec<Body<'a>>, RestError> {
        let part = |value: &'a Value| Some(Body { fields: value.as_object()?, within: name, ..*self });
        let list = self.list(name, most)?.unwrap_or_default();
        list.iter().map(part).collect::<Option<_>>().ok_or_else(|| self.bad(name, "must be an array of objects"))
    }

    /// Texts of an array, each not empty, of at most `most_bytes` and once.
    pub fn texts(&self, name: &str, list: &'a [Value], most_bytes: usize) -> Result<Vec<&'a str>, RestError> {
        let mut texts = Vec::with_capacity(list.len());
        for value in list {
            let text = self.as_text(name, value, most_bytes)?;
            if text.is_empty() {
                return Err(self.bad(name, "has an empty item"));
            }
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Ok(texts)
    }

    /// A user that something new is made for; `None`: absent.
    pub fn new_user(&self, name: &str) -> Result<Option<UserId>, RestError> {
        if self.has(name) { self.some_new_user(name).map(Some) } else { Ok(None) }
    }

    /// [`Body::new_user`], who must be there.
    pub fn some_new_user(&self, name: &str) -> Result<UserId, RestError> {
        self.as_user(name, self.some_text(name, MAX_NEW_USER)?)
    }

    /// Refers to a user: whoever another cloud's spelling named is found as well.
    pub fn some_user(&self, name: &str) -> Result<UserId, RestError> {
        self.as_user(name, self.some_text(name, MAX_ID)?)
    }

    /// Users that something new is made for, each once; there must be one.
    pub fn some_new_users(&self, name: &str, most: usize) -> Result<Vec<UserId>, RestError> {
        self.users_of(name, most, MAX_NEW_USER)
    }

    /// Refers to users, each once; there must be one.
    pub fn some_users(&self, name: &str, most: usize) -> Result<Vec<UserId>, RestError> {
        self.users_of(name, most, MAX_ID)
    }

    /// Refers to users, each once; absent or empty: none.
    pub fn users(&self, name: &str, most: usize) -> Result<Vec<UserId>, RestError> {
        let list = self.list(name, most)?.unwrap_or_default();
        if list.is_empty() { Ok(Vec::new()) } else { self.some_users(name, most) }
    }

    fn users_of(&self, name: &str, most: usize, most_bytes: usize) -> Result<Vec<UserId>, RestError> {
        let texts = self.texts(name, self.some_list(name, most)?, most_bytes)?;
        texts.into_iter().map(|text| self.as_user(name, text)).collect()
    }

    /// Refers to a room: any group's name.
    pub fn room(&self) -> Result<GroupId, RestError> {
        GroupId::new(self.some_text("RoomId", MAX_ID)?).map_err(|_| self.bad("RoomId", "has control characters"))
    }

    /// Refers to a group of the chat: an id that cannot be one's is nobody's (§8, A13).
    pub fn group(&self) -> Result<GroupId, RestError> {
        let id = self.text("GroupId", 0)?.ok_or_else(|| self.missing("GroupId"))?;
        GroupId::new(id).map_err(|why| RestError::new(Code::NoSuchGroup, format!("GroupId \"{id:.64}\" cannot be a group's: {why}")))
    }

    /// `name` has a value that will not do; `why` reads on from the name.
    pub fn bad(&self, name: &str, why: impl AsRef<str>) -> RestError {
        let dot = if self.within.is_empty() { "" } else { "." };
        RestError::new(self.bad, format!("{}{dot}{name} {}", self.within, why.as_ref()))
    }

    fn too_many(&self, name: &str, items: usize, most: usize) -> RestError {
        self.bad(name, format!("has {items} items; {most} are allowed"))
    }

    pub fn missing(&self, name: &str) -> RestError {
        self.bad(name, "is missing")
    }

    fn as_text(&self, name: &str, value: &'a Value, most: usize) -> Result<&'a str, RestError> {
        let text = value.as_str().ok_or_else(|| self.bad(name, "must be a JSON string"))?;
        if !quota::fits(text.len(), most as u32) {
            return Err(self.bad(name, format!("has {} bytes; {most} are allowed", text.len())));
        }
        Ok(text)
    }

    fn as_user(&self, name: &str, text: &str) -> Result<UserId, RestError> {
        UserId::new(text).map_err(|_| self.bad(name, "has control characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with<T>(value: Value, read: impl FnOnce(Body) -> Result<T, RestError>) -> Result<T, String> {
        let Value::Object(fields) = value else { panic!("an object is meant") };
        read(Body::new(&fields, Family::Live)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_body_is_an_object() {
        for (text, good) in
            [("{}", true), (r#" {"a":[1]} "#, true), ("", false), ("[]", false), ("null", false), ("{", false), (r#"{"a":1}x"#, false), ("\"{}\"", false)]
        {
            assert_eq!(parse(text.as_bytes(), Family::Live).is_ok(), good, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse(format!("{{\"a\":{deep}").as_bytes(), Family::Live).unwrap_err().code, Code::BadJson);
        let direct = parse(b"{", Family::C2c).unwrap_err();
        assert_eq!(direct.to_string(), "90001: Fail to Parse json data of body, Please check it");
    }

    #[test]
    fn types_are_strict() {
        let texts = |v: Value| with(v, |b| b.text("T", 3).map(|t| t.map(String::from)));
        assert_eq!(texts(json!({"T": "abc"})), Ok(Some("abc".into())));
        assert_eq!(texts(json!({})), Ok(None));
        for (value, why) in
            [(json!(1), "JSON string"), (json!(null), "JSON string"), (json!("abcd"), "has 4 bytes; 3 are allowed"), (json!("éé"), "has 4 bytes")]
        {
            let got = texts(json!({"T": value})).unwrap_err();
            assert!(got.starts_with("100002: T ") && got.contains(why), "{got}");
        }
        for (value, expected) in
            [(json!(7), Some(7)), (json!("7"), None), (json!(7.0), None), (json!(-1), None), (json!(4_294_967_296u64), None), (json!(true), None)]
        {
            assert_eq!(with(json!({"N": value}), |b| b.number("N")).ok().flatten(), expected, "{value}");
        }
        for (value, expected) in [(json!(true), Some(true)), (json!("true"), None), (json!(1), None)] {
            assert_eq!(with(json!({"F": value}), |b| b.flag("F")).ok().flatten(), expected, "{value}");
        }
        for (value, expected) in [(json!(1), Some(true)), (json!(0), Some(false)), (json!(2), None), (json!(true), None), (json!("1"), None)] {
            assert_eq!(with(json!({"F": value}), |b| b.bit("F")).ok().flatten(), expected, "{value}");
        }
        let named = with(json!({"P": {"X": 1}}), |b| b.part("P")?.unwrap().some_text("X", 9).map(String::from));
        assert_eq!(named, Err("100002: P.X must be a JSON string".into()));
        assert!(with(json!({"P": []}), |b| b.part("P").map(drop)).is_err());
        assert!(with(json!({"P": [1]}), |b| b.some_parts("P", 2).map(drop)).is_err());
        assert_eq!(with(json!({}), |b| b.some_number("N")), Err("100002: N is missing".into()));
    }

    #[test]
    fn one_field_may_have_two_names() {
        let time = |v: Value| with(v, |b| b.some_number(b.either("MuteTime", "ShutUpTime")));
        for (value, expected) in [
            (json!({"MuteTime": 1}), Ok(1)),
            (json!({"ShutUpTime": 2}), Ok(2)),
            (json!({"MuteTime": 1, "ShutUpTime": 2}), Ok(1)),
            (json!({}), Err("100002: MuteTime is missing".into())),
            (json!({"ShutUpTime": "2"}), Err(format!("100002: ShutUpTime must be a whole number from 0 to {}", u32::MAX))),
        ] {
            assert_eq!(time(value.clone()), expected, "{value}");
        }
        for (value, expected) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!("4294967296"), None),
            (json!(""), None),
            (json!("-1"), None),
            (json!(" 1"), None),
            (json!(1.5), None),
            (json!(null), None),
        ] {
            assert_eq!(with(json!({"N": value}), |b| b.some_number_or_text("N")).ok(), expected, "{value}");
        }
    }

    #[test]
    fn some_errors_have_codes_of_their_own() {
        let code = |v: Value, read: fn(Body) -> Result<(), RestError>| with(v, read).unwrap_err()[..5].to_owned();
        assert_eq!(code(json!({}), |b| b.telling(Code::BadRandom).some_number("R").map(drop)), "90005");
        assert_eq!(code(json!({"U": ["a", "b"]}), |b| b.at_most("U", 1, Code::TooManyAccounts)), "10005");
        assert_eq!(with(json!({"U": ["a"]}), |b| b.at_most("U", 1, Code::TooManyAccounts)), Ok(()));
        assert_eq!(with(json!({"U": "a"}), |b| b.at_most("U", 1, Code::TooManyAccounts)), Ok(()), "told later");
        for (value, expected) in [
            (json!("g 1"), "g 1"),
            (json!(""), "10015"),
            (json!("x".repeat(65)), "10015"),
            (json!("a\n"), "10015"),
            (json!(1), "100002"),
            (json!(null), "100002"),
        ] {
            let got = with(json!({"GroupId": value}), |b| b.group()).map_or_else(|why| why.split(':').next().unwrap().to_owned(), |id| id.to_string());
            assert_eq!(got, expected, "{value}");
        }
    }

    #[test]
    fn users() {
        let users = |v: Value| with(json!({"U": v}), |b| b.some_new_users("U", 2)).map(|users| users.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(users(json!(["a", "a"])), Ok(vec!["a".into()]));
        for value in [json!([]), json!(["a", "b", "c"]), json!([""]), json!(["x".repeat(33)]), json!(["a\nb"]), json!([1]), json!("a"), json!(null)] {
            assert!(users(value.clone()).is_err(), "{value}");
        }
        let long = "x".repeat(33);
        assert!(with(json!({"U": [long]}), |b| b.some_users("U", 2)).is_ok());
        for (value, good) in [(json!("g 1"), true), (json!(""), false), (json!("x".repeat(65)), false), (json!("a\n"), false), (json!(1), false)] {
            assert_eq!(with(json!({"RoomId": value}), |b| b.room()).is_ok(), good, "{value}");
        }
    }
}
