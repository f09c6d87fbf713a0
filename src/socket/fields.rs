//! The JSON object that a client sends as the data of a publish or an rpc: each field is read by its
//! name and as its type, so that what is wrong can be told with the name. Absent and null are the same,
//! unknown fields are ignored. What the fields mean stands in `draft.rs` and `rpc.rs`.

use crate::domain::{GroupId, Refusal, Tid, UserId, quota};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashSet, fmt};

/// The fields of one object, not yet read, in the order in which they came: there are few.
#[derive(Default)]
pub struct Fields<'a>(Vec<(Key<'a>, &'a RawValue)>);

/// A name as it stands in the text, but for one with escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        d.deserialize_map(Object)
    }
}

impl<'a> Fields<'a> {
    /// Null has no fields; anything else but an object is refused.
    pub fn read(data: &'a str) -> Result<Fields<'a>, Refusal> {
        let fields: Option<Fields> = serde_json::from_str(data).map_err(|_| bad("data", "must be an object"))?;
        Ok(fields.unwrap_or_default())
    }

    /// The JSON text of a field; of one that came twice, the last.
    pub fn json(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key.0 == name)?;
        Some(value.get()).filter(|json| *json != "null")
    }

    fn read_as<T: Deserialize<'a>>(&self, name: &'static str, expected: impl fmt::Display) -> Result<Option<T>, Refusal> {
        self.json(name).map(|json| serde_json::from_str(json).map_err(|_| bad(name, format!("must be {expected}")))).transpose()
    }

    pub fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        self.read_as(name, "a text")
    }

    pub fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, Refusal> {
        self.read_as(name, "a list of texts")
    }

    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        self.read_as(name, "true or false")
    }

    /// A whole number within `from..=to`.
    pub fn int(&self, name: &'static str, from: i64, to: i64) -> Result<Option<i64>, Refusal> {
        let expected = format_args!("a number from {from} to {to}");
        match self.read_as(name, expected)? {
            Some(n) if !(from..=to).contains(&n) => Err(bad(name, format!("must be {expected}"))),
            n => Ok(n),
        }
    }

    /// A number of 32 bits, as message types and weights are.
    pub fn int32(&self, name: &'static str) -> Result<Option<i32>, Refusal> {
        let n = self.int(name, i32::MIN.into(), i32::MAX.into())?;
        Ok(n.map(|n| n as i32)) // in range by the check above
    }

    /// At most `most` bytes (0: any number).
    pub fn bounded(&self, name: &'static str, most: u32) -> Result<Option<String>, Refusal> {
        match self.text(name)? {
            Some(text) if !quota::fits(text.len(), most) => Err(bad(name, format!("has {} bytes; {most} are allowed", text.len()))),
            text => Ok(text),
        }
    }

    /// At most `most` users (0: any number), each once.
    pub fn users(&self, name: &'static str, most: u32) -> Result<Option<Vec<UserId>>, Refusal> {
        let Some(texts) = self.texts(name)? else { return Ok(None) };
        if !quota::fits(texts.len(), most) {
            return Err(bad(name, format!("has {} users; {most} are allowed", texts.len())));
        }
        let (mut users, mut seen) = (Vec::with_capacity(texts.len()), HashSet::new());
        for text in &texts {
            let user = UserId::new(text).map_err(|why| no_id(name, text, why))?;
            if seen.insert(user.clone()) {
                users.push(user);
            }
        }
        Ok(Some(users))
    }

    /// Refers to a group: any id.
    pub fn group(&self) -> Result<GroupId, Refusal> {
        let text = must("group_id", self.text("group_id")?)?;
        GroupId::new(&text).map_err(|why| no_id("group_id", &text, why))
    }

    /// Refers to a user: any id.
    pub fn user(&self) -> Result<UserId, Refusal> {
        let text = must("user", self.text("user")?)?;
        UserId::new(&text).map_err(|why| no_id("user", &text, why))
    }

    /// Names a message; an empty text is an absent one.
    pub fn tid(&self) -> Result<Option<Tid>, Refusal> {
        let text = self.text("tid")?.filter(|text| !text.is_empty());
        text.map(|text| Tid::new(&text).map_err(|why| no_id("tid", &text, why))).transpose()
    }
}

/// The value of a field that must be there.
pub fn must<T>(name: &'static str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| bad(name, "is missing"))
}

pub fn bad(what: &'static str, why: impl Into<String>) -> Refusal {
    Refusal::Bad { what, why: why.into() }
}

fn no_id(name: &'static str, text: &str, why: impl std::fmt::Display) -> Refusal {
    bad(name, format!("{text:?} is not an id: {why}"))
}
