//! What the business keeps with a group or with a member under its own keys (`tencent.md` §5.1): read from a call, and told.

use crate::tencent::{body::Body, error::RestError};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which data, and how much of it there may be.
#[derive(Clone, Copy)]
pub struct Kept {
    pub field: &'static str,
    pub keys: usize,
    /// Bytes of a value.
    pub value: usize,
}

pub const OF_GROUP: Kept = Kept { field: "AppDefinedData", keys: 10, value: 512 };
pub const OF_MEMBER: Kept = Kept { field: "AppMemberDefinedData", keys: 5, value: 64 };

/// Bytes of a key.
const MAX_KEY: usize = 16;

/// Entries, each key once; `None`: absent. An empty value deletes where something is changed.
pub fn read(body: &Body, kept: Kept) -> Result<Option<Vec<(String, String)>>, RestError> {
    if !body.has(kept.field) {
        return Ok(None);
    }
    let mut entries: Vec<(String, String)> = Vec::new();
    for entry in body.parts(kept.field, kept.keys)? {
        let key = entry.some_text("Key", MAX_KEY)?;
        if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(entry.bad("Key", "must have letters, digits and underscores only"));
        }
        let value = entry.text("Value", kept.value)?.ok_or_else(|| entry.missing("Value"))?;
        if entries.iter().any(|(earlier, _)| earlier == key) {
            return Err(entry.bad("Key", format!("{key} is given more than once")));
        }
        entries.push((key.into(), value.into()));
    }
    Ok(Some(entries))
}

/// The same for something new.
pub fn read_new(body: &Body, kept: Kept) -> Result<BTreeMap<String, String>, RestError> {
    Ok(read(body, kept)?.unwrap_or_default().into_iter().filter(|(_, value)| !value.is_empty()).collect())
}

/// Told whole, or of these keys alone.
pub fn told(data: &BTreeMap<String, String>, keys: Option<&[&str]>) -> Value {
    let wanted = data.iter().filter(|(key, _)| keys.is_none_or(|keys| keys.contains(&key.as_str())));
    wanted.map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}
