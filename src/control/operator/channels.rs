//! `POST channels/{app}/{channel}/events`: what a media server, or a script, says of users in an RTC channel.

use super::{Fault, Operator, Outcome, defect, read, unfit};
use crate::domain::{
    AppId, ChannelId, UserId,
    participant::{Doing, Medias, Role},
    report::Report,
    request::{Answer, ParticipantInfo, Request},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Most events of one call.
const MOST: usize = 100;

/// One event as it is sent.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase", deny_unknown_fields)]
enum Told {
    Join {
        user: String,
        #[serde(default = "viewer")]
        role: i64,
        /// From another channel.
        #[serde(default)]
        relay: bool,
    },
    Leave {
        user: String,
        #[serde(default)]
        relay: bool,
    },
    Kick {
        user: String,
    },
    Publish {
        user: String,
        medias: Vec<String>,
    },
    Unpublish {
        user: String,
        medias: Vec<String>,
    },
    Role {
        user: String,
        role: i64,
    },
    Heartbeat {
        /// `None`: of all that were reported.
        user: Option<String>,
    },
}

fn viewer() -> i64 {
    2
}

impl Operator {
    /// All of it, or nothing. Answers with each event's user as it is after it.
    pub(super) fn report(&self, app: &str, channel: &str, body: &[u8]) -> Outcome {
        let (names, reports) = reports(read(body)?)?.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        match self.ask.call(Request::Report { app: AppId::trusted(app), channel: ChannelId::trusted(channel), reports })? {
            Answer::Participants(told) => {
                let events: Vec<Value> = names.iter().zip(&told).map(|(name, who)| answered(name, who.as_ref())).collect();
                Ok((200, json!({"events": events})))
            }
            other => Err(defect(&other)),
        }
    }
}

/// One event, or `{"events":[…]}`; each with its name.
fn reports(mut body: Map<String, Value>) -> Result<Vec<(String, Report)>, Fault> {
    let Some(events) = body.remove("events") else {
        return Ok(vec![report(Value::Object(body)).map_err(unfit)?]);
    };
    if let Some(other) = body.keys().next() {
        return Err(unfit(format!("beside events there is {other:?}")));
    }
    let events = events.as_array().filter(|events| (1..=MOST).contains(&events.len()));
    let events = events.ok_or_else(|| unfit(format!("events must be an array of 1 to {MOST}")))?;
    let each = events.iter().enumerate().map(|(n, event)| report(event.clone()).map_err(|why| unfit(format!("events[{n}]: {why}"))));
    each.collect()
}

fn report(event: Value) -> Result<(String, Report), String> {
    if !event.is_object() {
        return Err(format!("{event} is no event; one is like {{\"event\":\"join\",\"user\":\"u1\"}}"));
    }
    let name = event["event"].as_str().unwrap_or_default().to_string();
    let report = match serde_json::from_value(event).map_err(|why| why.to_string())? {
        Told::Join { user, role: number, relay } => Report::Join { user: id(&user)?, role: role(number)?, relayed: relay },
        Told::Leave { user, relay } => Report::Leave { user: id(&user)?, relayed: relay },
        Told::Kick { user } => Report::Kick { user: id(&user)? },
        Told::Publish { user, medias: list } => Report::Do { user: id(&user)?, doing: Doing::Publish(medias(&list)?) },
        Told::Unpublish { user, medias: list } => Report::Do { user: id(&user)?, doing: Doing::Unpublish(medias(&list)?) },
        Told::Role { user, role: number } => Report::Do { user: id(&user)?, doing: Doing::Role(role(number)?) },
        Told::Heartbeat { user } => Report::Heartbeat { user: user.as_deref().map(id).transpose()? },
    };
    Ok((name, report))
}

fn id(user: &str) -> Result<UserId, String> {
    UserId::new(user).map_err(|why| format!("{user:?} is no user: {why}"))
}

fn role(number: i64) -> Result<Role, String> {
    Role::numbered(number).ok_or_else(|| "role must be 1 (streamer) or 2 (viewer)".into())
}

fn medias(names: &[String]) -> Result<Medias, String> {
    Medias::named(names).map_err(|why| format!("medias {why}"))
}

fn answered(name: &str, who: Option<&ParticipantInfo>) -> Value {
    let Some(who) = who else { return json!({"event": name}) };
    json!({"event": name, "user": who.user.as_str(), "session_id": who.stay.as_str(), "role": who.role.number(), "medias": who.medias.names()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        domain::{Change, address::AllowList, app::App},
        fake::{self, Fake},
        ids::Ids,
    };
    use std::sync::Arc;

    fn operator() -> Operator {
        let fake = Fake::new();
        fake.put(Change::App(Arc::new(fake::app("demo"))));
        fake.put(Change::App(Arc::new(App { disabled: true, ..fake::app("off") })));
        Operator::new(Arc::new(fake), Clock::standing(), Ids::seeded(1), AllowList::default(), "t".into())
    }

    /// The events answered, or status, code and message.
    fn report_to(operator: &Operator, app: &str, body: &Value) -> Result<Vec<Value>, (u16, String, String)> {
        match operator.report(app, "c1", body.to_string().as_bytes()) {
            Ok((status, mut answer)) => {
                assert_eq!((status, answer.as_object().map(Map::len)), (200, Some(1)));
                Ok(answer["events"].as_array_mut().unwrap().drain(..).collect())
            }
            Err(fault) => Err((fault.status, fault.code, fault.message)),
        }
    }

    #[test]
    fn each_event_is_answered_with_its_user_as_it_is_then() {
        let operator = operator();
        let report = |body: Value| report_to(&operator, "demo", &body).unwrap();
        let joined = report(json!({"event": "join", "user": "u1"}));
        let stay = joined[0]["session_id"].as_str().unwrap();
        assert_eq!(stay.len(), 32);
        let now = |event: &str, role: u8, medias: &[&str]| json!({"event": event, "user": "u1", "session_id": stay, "role": role, "medias": medias});
        assert_eq!(joined, [now("join", 2, &[])]);
        let events = [
            (json!({"event": "role", "user": "u1", "role": 1}), now("role", 1, &[])),
            (json!({"event": "publish", "user": "u1", "medias": ["screen", "audio", "video", "audio"]}), now("publish", 1, &["audio", "video", "screen"])),
            (json!({"event": "unpublish", "user": "u1", "medias": ["audio"]}), now("unpublish", 1, &["video", "screen"])),
            (json!({"event": "join", "user": "u1", "role": 2, "relay": true}), now("join", 1, &["video", "screen"])),
            (json!({"event": "heartbeat", "user": "u1"}), now("heartbeat", 1, &["video", "screen"])),
            (json!({"event": "heartbeat"}), json!({"event": "heartbeat"})),
            (json!({"event": "leave", "user": "u1", "relay": true}), now("leave", 1, &[])),
        ];
        let (sent, expected): (Vec<Value>, Vec<Value>) = events.into_iter().unzip();
        assert_eq!(report(json!({"events": sent})), expected);
        let again = report(json!({"events": [{"event": "join", "user": "u1", "role": 1}, {"event": "kick", "user": "u1"}]}));
        assert_eq!((&again[1]["event"], &again[1]["medias"]), (&json!("kick"), &json!([])));
        assert_ne!(again[0]["session_id"], stay, "it is another stay");
    }

    #[test]
    fn all_of_it_or_nothing() {
        let operator = operator();
        let events = json!({"events": [{"event": "join", "user": "u1", "role": 1}, {"event": "publish", "user": "u2", "medias": ["audio"]}]});
        assert_eq!(report_to(&operator, "demo", &events).unwrap_err().0, 404);
        assert_eq!(report_to(&operator, "demo", &json!({"event": "leave", "user": "u1"})).unwrap_err().0, 404, "u1 did not join");
    }

    #[test]
    fn what_cannot_be_reported() {
        let operator = operator();
        report_to(&operator, "demo", &json!({"event": "join", "user": "viewer"})).unwrap();
        let long = "u".repeat(65);
        let many: Vec<Value> = (0..101).map(|n| json!({"event": "join", "user": format!("u{n}")})).collect();
        for (app, body, status, code, why) in [
            ("demo", json!({}), 400, "BadRequest", "missing field `event`"),
            ("demo", json!([]), 400, "BadRequest", "expected a map"),
            ("demo", json!({"event": "dance", "user": "u"}), 400, "BadRequest", "unknown variant `dance`, expected one of `join`, `leave`"),
            ("demo", json!({"event": "join"}), 400, "BadRequest", "missing field `user`"),
            ("demo", json!({"event": "join", "user": ""}), 400, "BadRequest", "an id has 1 to 64 bytes"),
            ("demo", json!({"event": "join", "user": long}), 400, "BadRequest", "an id has 1 to 64 bytes"),
            ("demo", json!({"event": "join", "user": 7}), 400, "BadRequest", "expected a string"),
            ("demo", json!({"event": "join", "user": "u", "role": 3}), 400, "BadRequest", "role must be 1"),
            ("demo", json!({"event": "join", "user": "u", "role": 300}), 400, "BadRequest", "role must be 1"),
            ("demo", json!({"event": "role", "user": "u", "role": -1}), 400, "BadRequest", "role must be 1"),
            ("demo", json!({"events": ["join"]}), 400, "BadRequest", "events[0]: \"join\" is no event"),
            ("demo", json!({"event": "join", "user": "u", "relay": 1}), 400, "BadRequest", "expected a boolean"),
            ("demo", json!({"event": "join", "user": "u", "medias": []}), 400, "BadRequest", "unknown field `medias`"),
            ("demo", json!({"event": "kick", "user": "viewer", "relay": true}), 400, "BadRequest", "unknown field `relay`"),
            ("demo", json!({"event": "heartbeat", "user": "viewer", "x": 1}), 400, "BadRequest", "unknown field `x`"),
            ("demo", json!({"event": "publish", "user": "viewer", "medias": []}), 400, "BadRequest", "medias is empty"),
            ("demo", json!({"event": "publish", "user": "viewer", "medias": ["smell"]}), 400, "BadRequest", "medias has \"smell\""),
            ("demo", json!({"events": []}), 400, "BadRequest", "an array of 1 to 100"),
            ("demo", json!({"events": many}), 400, "BadRequest", "an array of 1 to 100"),
            ("demo", json!({"events": {"event": "heartbeat"}}), 400, "BadRequest", "an array of 1 to 100"),
            ("demo", json!({"events": [{"event": "heartbeat"}], "user": "u"}), 400, "BadRequest", "beside events there is \"user\""),
            ("demo", json!({"events": [{"event": "heartbeat"}, {"event": "kick"}]}), 400, "BadRequest", "events[1]: missing field `user`"),
            ("demo", json!({"event": "publish", "user": "viewer", "medias": ["audio"]}), 403, "NoAuth", "streamer"),
            ("demo", json!({"event": "publish", "user": "u", "medias": ["audio"]}), 404, "ResourceNotExist", "user u is not in channel c1"),
            ("demo", json!({"event": "heartbeat", "user": "u"}), 404, "ResourceNotExist", "user u is not in channel c1"),
            ("nobody", json!({"event": "join", "user": "u"}), 404, "ResourceNotExist", "application nobody"),
            ("off", json!({"event": "join", "user": "u"}), 403, "NoAuth", "application off is disabled"),
        ] {
            let (got, told, message) = report_to(&operator, app, &body).unwrap_err();
            assert_eq!((got, told.as_str()), (status, code), "{body}: {message}");
            assert!(message.contains(why), "{body}: {message}");
        }
    }
}
