//! Webhooks of live rooms (`tencent.md` §3.2, §6.1): what happened to a group becomes a query and a body, and
//! each try gets its own signature, which stands in the URL. Who is told when is not decided here.

use super::words;
use crate::{
    domain::{
        Millis,
        app::{App, WebhookToken},
        endpoint::EndpointId,
        event::{GroupEvent, InGroup, OfflineCause, OnlineCause, Rendered},
        group::Group,
        outbox::{Freezing, Frozen},
        request::Origin,
    },
    form::encode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

/// A try lasts at most so long, in ms.
pub const PATIENCE: u64 = 2_000;

/// The event as it waits in the outbox.
#[derive(Serialize, Deserialize)]
struct Told<B> {
    query: String,
    body: B,
}

/// `None`: the application does not want to hear of it.
pub fn render(event: &GroupEvent, app: &App) -> Option<Rendered> {
    let word = word(&event.what);
    if !app.live_webhook.as_ref()?.words.iter().any(|wanted| wanted == word) {
        return None;
    }
    let told = Told { query: query(word, event, app), body: body(word, event, app) };
    Some(Rendered {
        endpoint: EndpointId::LiveRooms(app.id.clone()),
        subject: event.group.id.to_string(),
        payload: serde_json::to_string(&told).expect("strings and JSON"),
    })
}

fn word(what: &InGroup) -> &'static str {
    match what {
        InGroup::Created => words::CREATE_ROOM,
        InGroup::Deleted => words::DESTROY_ROOM,
        InGroup::Changed => words::UPDATE_ROOM_INFO,
        InGroup::Online { .. } | InGroup::Offline { .. } => words::MEMBER_STATE_CHANGED,
        InGroup::OwnerChanged { .. } => words::CHANGE_OWNER,
        InGroup::AdminsChanged { .. } => words::MODIFY_ADMIN,
        InGroup::MetadataSet(_) => words::SET_METADATA,
        InGroup::MetadataDeleted(_) => words::DEL_METADATA,
        InGroup::NearLimit { .. } => words::REACHING_THRESHOLD,
    }
}

/// Two words are documented without whose doing it was (`tencent.md` §6.1).
fn query(word: &str, event: &GroupEvent, app: &App) -> String {
    let mut query = format!("SdkAppid={}&CallbackCommand={}&contenttype=json", app.sdkappid, encode(word));
    if [words::CHANGE_OWNER, words::MODIFY_ADMIN].contains(&word) {
        return query;
    }
    if let Origin::Server { address: Some(address) } | Origin::Client { address: Some(address), .. } = &event.by.from {
        // A listener on [::] sees IPv4 addresses within IPv6 ones.
        query += &format!("&ClientIP={}", encode(&address.to_canonical().to_string()));
    }
    query + "&OptPlatform=" + platform(&event.by.from)
}

/// A client's is what its login says of its device, if that begins with one that is known.
fn platform(from: &Origin) -> &'static str {
    const KNOWN: [&str; 6] = ["Web", "Android", "iOS", "Windows", "Mac", "iPad"];
    match from {
        Origin::Server { .. } => "RESTAPI",
        Origin::Client { device, .. } => {
            let begins = |name: &&str| device.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            KNOWN.into_iter().find(begins).unwrap_or("Unknown")
        }
        Origin::System => "Unknown",
    }
}

/// The keys are in order at every depth, as the cloud's are: `Value` keeps them so.
fn body(word: &str, event: &GroupEvent, app: &App) -> Value {
    let group = &event.group;
    let info = |keys: &[&str]| pick(room_info(group, event.views), keys);
    let mut body = match &event.what {
        InGroup::Created => json!({ "RoomInfo": info(CREATED) }),
        InGroup::Deleted => json!({
            "RoomId": group.id.as_str(),
            // That the cloud itself ends a room for its quiet has no counterpart here.
            "EventType": "DestroyByUser",
            "RoomInfo": info(DESTROYED),
            "Statistic": {
                "TotalViewers": event.views, "TotalGiftsSent": 0, "TotalGiftCoins": 0, "TotalUniqueGiftSenders": 0, "TotalLikesReceived": 0,
            },
        }),
        InGroup::Changed => json!({ "RoomInfo": info(UPDATED) }),
        InGroup::Online { user, cause } => {
            let cause = match cause {
                OnlineCause::Entered => "Enter",
                OnlineCause::Recovered => "HeartbeatRecover",
            };
            json!({ "RoomId": group.id.as_str(), "EventType": "Online", "EventCause": cause, "MemberList": [{ "Member_Account": user.as_str() }] })
        }
        InGroup::Offline { user, cause } => {
            let cause = match cause {
                OfflineCause::Left => "Leave",
                OfflineCause::Interrupted => "HeartbeatInterrupt",
                OfflineCause::Removed => "Kicked",
            };
            json!({ "RoomId": group.id.as_str(), "EventType": "Offline", "EventCause": cause, "MemberList": [{ "Member_Account": user.as_str() }] })
        }
        InGroup::OwnerChanged { from, to } => {
            json!({ "RoomId": group.id.as_str(), "CurrentOwner_Account": to.as_str(), "OriginalOwner_Account": from })
        }
        InGroup::AdminsChanged { users, added } => {
            let users: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
            // With a small o, unlike in the command that brings it about.
            json!({ "RoomId": group.id.as_str(), "Admin_Account": users, "opType": if *added { "add" } else { "delete" } })
        }
        InGroup::MetadataSet(entries) => {
            let entries: Vec<Value> = entries.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            json!({ "RoomId": group.id.as_str(), "Metadata": entries })
        }
        InGroup::MetadataDeleted(keys) => json!({ "RoomId": group.id.as_str(), "Keys": keys }),
        InGroup::NearLimit { groups, most } => json!({ "CurRoomCount": groups, "MaxRoomCount": most }),
    };
    body["CallbackCommand"] = word.into();
    body["EventTime"] = event.at.0.into();
    // Of who goes and comes no operator is told.
    if word != words::MEMBER_STATE_CHANGED {
        body["Operator_Account"] = operator(event, app).into();
    }
    body
}

/// What nobody in particular brought about is the application's own doing.
fn operator<'a>(event: &'a GroupEvent, app: &'a App) -> &'a str {
    let user = event.by.user.as_str();
    if user.is_empty() { app.administrators.first().map_or("", String::as_str) } else { user }
}

const CREATED: &[&str] = &[
    "RoomId",
    "RoomName",
    "RoomType",
    "Owner_Account",
    "MaxMemberCount",
    "IsMessageDisabled",
    "CustomInfo",
    "IsSeatEnabled",
    "TakeSeatMode",
    "MaxSeatCount",
    "CreateTime",
    "IsPublicVisible",
    "CoverURL",
    "Category",
];

const UPDATED: &[&str] =
    &["RoomId", "RoomName", "MaxMemberCount", "IsMessageDisabled", "CoverURL", "Category", "ActivityStatus", "IsPublicVisible", "TakeSeatMode", "CustomInfo"];

const DESTROYED: &[&str] = &[
    "RoomName",
    "RoomType",
    "Owner_Account",
    "IsSeatEnabled",
    "TakeSeatMode",
    "MaxMemberCount",
    "MaxSeatCount",
    "Category",
    "CustomInfo",
    "IsMessageDisabled",
    "CoverURL",
    "ActivityStatus",
    "IsPublicVisible",
    "ViewCount",
    "BackgroundURL",
    "IsUnlimitedRoomEnabled",
];

/// All that any word shows of a room.
fn room_info(group: &Group, views: u64) -> Value {
    let room = &group.room;
    json!({
        "RoomId": group.id.as_str(),
        "RoomName": words::room_name(&group.id, &group.name),
        "RoomType": "Live",
        "Owner_Account": group.owner,
        "MaxMemberCount": room.max_members,
        "IsMessageDisabled": group.mutes.all,
        "CustomInfo": group.info,
        "IsSeatEnabled": room.seats,
        "TakeSeatMode": words::mode_name(room.take_seat_mode),
        "MaxSeatCount": room.max_seats,
        "CreateTime": group.created.seconds(),
        "IsPublicVisible": room.public,
        "CoverURL": room.cover_url,
        "Category": room.categories,
        "ActivityStatus": room.activity_status,
        "ViewCount": views,
        // Nothing here sets one.
        "BackgroundURL": "",
        "IsUnlimitedRoomEnabled": room.unlimited,
    })
}

fn pick(mut from: Value, keys: &[&str]) -> Value {
    keys.iter().map(|key| (key.to_string(), from[*key].take())).collect()
}

/// What every try of the delivery says. The cloud names its calls in the query, so we name the delivery there as well.
pub fn freeze(freezing: &Freezing) -> Frozen {
    let told = freezing.events.first().map(|(_, payload)| serde_json::from_str::<Told<Box<RawValue>>>(payload));
    let Some(Ok(Told { query, body })) = told else {
        tracing::error!(endpoint = %freezing.endpoint, "a stored event is not readable; an empty one is sent in its place");
        return Frozen { query: format!("RequestID={}", freezing.delivery), body: b"{}".to_vec() };
    };
    Frozen { query: format!("{query}&RequestID={}", freezing.delivery), body: body.get().as_bytes().to_vec() }
}

/// What is called in a try at `now`: the configured URL with the delivery's query, signed with the token if it is enabled.
/// The signature covers its own time alone, not what is sent.
pub fn url(configured: &str, query: &str, token: Option<&WebhookToken>, now: Millis) -> String {
    // A fragment is not sent, and would swallow the query.
    let configured = configured.split('#').next().unwrap_or(configured);
    let join = if configured.contains('?') { '&' } else { '?' };
    let mut url = format!("{configured}{join}{query}");
    if let Some(token) = token.filter(|token| token.enabled) {
        let time = now.seconds();
        url += &format!("&Sign={}&RequestTime={time}", sign(&token.token, &time.to_string()));
    }
    url
}

/// `Sign`: SHA-256 of the token and, right behind it, `RequestTime` in unix seconds; in lower-case hex.
pub fn sign(token: &str, request_time: &str) -> String {
    let hash = Sha256::new().chain_update(token).chain_update(request_time).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer's body does not matter: receivers say `ok` as well as JSON.
pub fn is_success(status: u16) -> bool {
    status == 200
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
