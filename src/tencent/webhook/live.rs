//! What is told of live rooms (`tencent.md` §3.2): what happened to a group becomes a query and a body.

use super::{Told, operator, query};
use crate::{
    domain::{
        app::App,
        endpoint::EndpointId,
        event::{GroupEvent, InGroup, OfflineCause, OnlineCause, Rendered},
        group::Group,
    },
    tencent::{names, words},
};
use serde_json::{Value, json};

/// `None`: the application does not want to hear of it.
pub fn render(event: &GroupEvent, app: &App) -> Option<Rendered> {
    // What keeps its members is no live room.
    let word = word(&event.what).filter(|_| !event.group.kind.keeps_members())?;
    if !app.live_webhook.as_ref()?.words.iter().any(|wanted| wanted == word) {
        return None;
    }
    // Two words are documented without whose doing it was (§6.1).
    let by = (![words::CHANGE_OWNER, words::MODIFY_ADMIN].contains(&word)).then_some(&event.by.from);
    let told = Told { query: query(word, app, by), body: body(word, event, app) };
    Some(told.rendered(EndpointId::LiveRooms(app.id.clone()), event.group.id.to_string()))
}

/// `None`: it is of the chat alone.
pub(super) fn word(what: &InGroup) -> Option<&'static str> {
    Some(match what {
        InGroup::Created { .. } => words::CREATE_ROOM,
        InGroup::Deleted { .. } => words::DESTROY_ROOM,
        InGroup::Changed { .. } => words::UPDATE_ROOM_INFO,
        InGroup::Joined { .. } | InGroup::Left { .. } | InGroup::Full | InGroup::Recalled { .. } => return None,
        InGroup::Online { .. } | InGroup::Offline { .. } => words::MEMBER_STATE_CHANGED,
        InGroup::OwnerChanged { .. } => words::CHANGE_OWNER,
        InGroup::AdminsChanged { .. } => words::MODIFY_ADMIN,
        InGroup::MetadataSet(_) => words::SET_METADATA,
        InGroup::MetadataDeleted(_) => words::DEL_METADATA,
        InGroup::NearLimit { .. } => words::REACHING_THRESHOLD,
    })
}

/// The keys are in order at every depth, as the cloud's are: `Value` keeps them so.
fn body(word: &str, event: &GroupEvent, app: &App) -> Value {
    let group = &event.group;
    let info = |keys: &[&str]| pick(room_info(group, event.views), keys);
    let mut body = match &event.what {
        InGroup::Created { .. } => json!({ "RoomInfo": info(CREATED) }),
        InGroup::Deleted { .. } => json!({
            "RoomId": group.id.as_str(),
            // That the cloud itself ends a room for its quiet has no counterpart here.
            "EventType": "DestroyByUser",
            "RoomInfo": info(DESTROYED),
            "Statistic": {
                "TotalViewers": event.views, "TotalGiftsSent": 0, "TotalGiftCoins": 0, "TotalUniqueGiftSenders": 0, "TotalLikesReceived": 0,
            },
        }),
        InGroup::Changed { .. } => json!({ "RoomInfo": info(UPDATED) }),
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
        InGroup::Joined { .. } | InGroup::Left { .. } | InGroup::Full | InGroup::Recalled { .. } => json!({}),
        InGroup::NearLimit { groups, most } => json!({ "CurRoomCount": groups, "MaxRoomCount": most }),
    };
    body["CallbackCommand"] = word.into();
    body["EventTime"] = event.at.0.into();
    // Of who goes and comes no operator is told.
    if word != words::MEMBER_STATE_CHANGED {
        body["Operator_Account"] = operator(&event.by, app).into();
    }
    body
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
        "RoomName": names::room_name(&group.id, &group.name),
        "RoomType": "Live",
        "Owner_Account": group.owner,
        "MaxMemberCount": room.max_members,
        "IsMessageDisabled": group.mutes.all,
        "CustomInfo": group.info,
        "IsSeatEnabled": room.seats,
        "TakeSeatMode": names::mode_name(room.take_seat_mode),
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
