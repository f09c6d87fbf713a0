//! What the model of channels says, in the words of the server, and the other way round: names, answers,
//! pushes, errors.

use super::channel::{Channel, Event, MEDIAS, No, Report};
use serde_json::{Value, json};

pub fn name(channel: Channel) -> String {
    format!("c{channel}")
}

pub fn line(event: &Event) -> String {
    let user = event.user.map(|(user, _)| format!("u{user} ")).unwrap_or_default();
    format!("{} {user}{}", name(event.channel), event.what)
}

pub fn lower(medias: &[usize]) -> Value {
    json!(medias.iter().map(|m| MEDIAS[*m].to_lowercase()).collect::<Vec<_>>())
}

pub fn count(list: &Value) -> Value {
    json!(list.as_array().map_or(0, Vec::len))
}

/// A push in the words of the model; of ids, other comparisons speak.
pub fn pushed(push: &Value) -> String {
    let channel = push["channel"].as_str().unwrap_or_default().trim_start_matches("rtc:");
    let user = |info: &Value| info["user"].as_str().unwrap_or_default().to_owned();
    let what = if let Some(join) = push.get("join") {
        format!("{} joined", user(&join["info"]))
    } else if let Some(leave) = push.get("leave") {
        format!("{} left", user(&leave["info"]))
    } else if let Some(out) = push.get("unsubscribe") {
        format!("put out {}", out["code"])
    } else {
        let (data, tag) = (&push["pub"]["data"], push["pub"]["tags"]["event"].as_str().unwrap_or_default());
        let of = |name: &Value| MEDIAS.iter().position(|m| name.as_str() == Some(&m.to_lowercase()));
        let medias: Vec<usize> = data["medias"].as_array().into_iter().flatten().filter_map(of).collect();
        format!("{} {tag} {} {medias:?}", user(data), data["role"])
    };
    format!("{channel} {what}")
}

/// A report as the operator writes it.
pub fn said(report: &Report) -> Value {
    let user = format!("u{}", report.user());
    match report {
        Report::Join(_, role, relay) => json!({"event": "join", "user": user, "role": role, "relay": relay}),
        Report::Leave(_, relay) => json!({"event": "leave", "user": user, "relay": relay}),
        Report::Kick(_) => json!({"event": "kick", "user": user}),
        Report::Publish(_, medias) => json!({"event": "publish", "user": user, "medias": lower(medias)}),
        Report::Unpublish(_, medias) => json!({"event": "unpublish", "user": user, "medias": lower(medias)}),
        Report::Role(_, role) => json!({"event": "role", "user": user, "role": role}),
        Report::Heartbeat(_) => json!({"event": "heartbeat", "user": user}),
    }
}

/// What a client is answered.
pub fn code(no: No) -> u64 {
    match no {
        No::Already => 105,
        No::NotInside => 425,
        No::Viewer => 403,
    }
}

/// What the operator is answered.
pub fn refusal(no: No) -> (u16, String) {
    match no {
        No::Viewer => (403, "NoAuth".into()),
        No::NotInside | No::Already => (404, "ResourceNotExist".into()),
    }
}

pub fn outcome((status, code): &(u16, &str)) -> Result<(), (u16, String)> {
    if *status == 200 { Ok(()) } else { Err((*status, (*code).to_owned())) }
}
