//! Parameters in a request's body (`tencent.md` §4, §5): a JSON object whose fields have strict types, and
//! lengths in bytes of UTF-8. Gives typed values or the error that names the field. Knows no command.

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
    family: Family,
}

/// Reads a body, which must be an object.
pub fn parse(bytes: &[u8]) -> Result<Map<String, Value>, RestError> {
    let why = |why: String| RestError::new(Code::BadJson, format!("Fail to Parse json data of body, Please check it: {why}"));
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(why("it must be an object, such as {}".into())),
        Err(_) if bytes.is_empty() => Err(why("it is empty; send {} where there is nothing to say".into())),
        Err(e) => Err(why(e.to_string())),
    }
}

impl<'a> Body<'a> {
    pub fn new(fields: &'a Map<String, Value>, family: Family) -> Body<'a> {
        Body { fields, within: "", family }
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

    /// An object in it.
    pub fn part(&self, name: &'a str) -> Result<Option<Body<'a>>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        let fields = value.as_object().ok_or_else(|| self.bad(name, "must be an object"))?;
        Ok(Some(Body { fields, within: name, family: self.family }))
    }

    /// An array of at most `most` items.
    pub fn list(&self, name: &str, most: usize) -> Result<Option<&'a [Value]>, RestError> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| self.bad(name, "must be an array"))?;
        if list.len() > most {
            return Err(self.bad(name, format!("has {} items; {most} are allowed", list.len())));
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
        let part = |value: &'a Value| Some(Body { fields: value.as_object()?, within: name, family: self.family });
        self.some_list(name, most)?.iter().map(part).collect::<Option<_>>().ok_or_else(|| self.bad(name, "must be an array of objects"))
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
        if self.fields.contains_key(name) { self.some_new_user(name).map(Some) } else { Ok(None) }
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

    fn users_of(&self, name: &str, most: usize, most_bytes: usize) -> Result<Vec<UserId>, RestError> {
        let texts = self.texts(name, self.some_list(name, most)?, most_bytes)?;
        texts.into_iter().map(|text| self.as_user(name, text)).collect()
    }

    /// Refers to a room: any group's name.
    pub fn room(&self) -> Result<GroupId, RestError> {
        GroupId::new(self.some_text("RoomId", MAX_ID)?).map_err(|_| self.bad("RoomId", "has control characters"))
    }

    /// `name` has a value that will not do; `why` reads on from the name.
    pub fn bad(&self, name: &str, why: impl AsRef<str>) -> RestError {
        let dot = if self.within.is_empty() { "" } else { "." };
        RestError::new(self.family.bad_parameter(), format!("{}{dot}{name} {}", self.within, why.as_ref()))
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
            assert_eq!(parse(text.as_bytes()).is_ok(), good, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse(format!("{{\"a\":{deep}").as_bytes()).unwrap_err().code, Code::BadJson);
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
        let named = with(json!({"P": {"X": 1}}), |b| b.part("P")?.unwrap().some_text("X", 9).map(String::from));
        assert_eq!(named, Err("100002: P.X must be a JSON string".into()));
        assert!(with(json!({"P": []}), |b| b.part("P").map(drop)).is_err());
        assert!(with(json!({"P": [1]}), |b| b.some_parts("P", 2).map(drop)).is_err());
        assert_eq!(with(json!({}), |b| b.some_number("N")), Err("100002: N is missing".into()));
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
