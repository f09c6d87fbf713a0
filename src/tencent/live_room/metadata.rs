//! What the business keeps with a room, by its own keys (`tencent.md` §4). How much there may be in all is the
//! domain's rule.

use super::rooms::ask;
use crate::{
    domain::request::{Answer, GroupRequest},
    tencent::{
        command::{Call, told},
        rest::Outcome,
    },
};
use serde::Serialize;

/// Keys in one call.
const MOST_KEYS: usize = 10;
/// Bytes of a key and of a value.
const MAX_KEY: usize = 50;
const MAX_VALUE: usize = 2 * 1024;

/// Sets these keys and keeps the others.
pub fn set(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let mut entries: Vec<(String, String)> = Vec::new();
    for entry in call.body.some_parts("Metadata", MOST_KEYS)? {
        let key = entry.some_text("Key", MAX_KEY)?;
        let value = entry.text("Value", MAX_VALUE)?.ok_or_else(|| entry.missing("Value"))?;
        if entries.iter().any(|(earlier, _)| earlier == key) {
            return Err(entry.bad("Key", format!("{key} is given more than once")));
        }
        entries.push((key.into(), value.into()));
    }
    call.done(ask(call, &room, GroupRequest::SetMetadata(entries))?)
}

/// No keys, or none named: all. Keys that are not there are left out.
pub fn get(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        key: String,
        value: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kept {
        metadata: Vec<Entry>,
    }
    let room = call.body.room()?;
    let keys = call.body.texts("Keys", call.body.list("Keys", MOST_KEYS)?.unwrap_or_default(), MAX_KEY)?;
    match ask(call, &room, GroupRequest::Metadata)? {
        Answer::Metadata(all) => {
            let wanted = all.into_iter().filter(|(key, _)| keys.is_empty() || keys.contains(&key.as_str()));
            told(&Kept { metadata: wanted.map(|(key, value)| Entry { key, value }).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Keys that are not there are no error.
pub fn delete(call: &Call) -> Outcome {
    let room = call.body.room()?;
    let keys = call.body.texts("Keys", call.body.some_list("Keys", MOST_KEYS)?, MAX_KEY)?;
    call.done(ask(call, &room, GroupRequest::DeleteMetadata(keys.into_iter().map(String::from).collect()))?)
}
