//! What is told of a group's life (`tencent.md` §6.3): made, joined, left, full, changed, destroyed, messages taken
//! back, and connections of a live room that are lost and found. Who is told when is not decided here.

use super::{Body, Told, endpoint, entries, members, operator, query};
use crate::{
    domain::{
        UserId,
        app::App,
        event::{GroupEvent, InGroup, Joining, Leaving, OfflineCause, OnlineCause, Rendered},
        group::Group,
        kind::GroupKind,
    },
    tencent::{names, words},
};
use serde::Serialize;

/// `None`: there is no word for it, or the application does not want to hear of it.
pub fn render(event: &GroupEvent, app: &App) -> Option<Rendered> {
    let word = word(event)?;
    let endpoint = endpoint(word, app)?;
    // One word is documented without whose doing it was (§6.1).
    let by = (word != words::ON_MEMBER_STATE_CHANGE).then_some(&event.by.from);
    let told = Told { query: query(word, app, by), body: body(word, event, app) };
    Some(told.rendered(endpoint, event.group.id.to_string()))
}

fn word(event: &GroupEvent) -> Option<&'static str> {
    Some(match &event.what {
        InGroup::Created { .. } => words::AFTER_CREATE_GROUP,
        InGroup::Deleted { .. } => words::GROUP_DESTROYED,
        InGroup::Changed { before } if profile(before) == profile(&event.group) => return None,
        InGroup::Changed { .. } => words::GROUP_INFO_CHANGED,
        InGroup::Joined { .. } => words::NEW_MEMBER_JOIN,
        InGroup::Left { .. } => words::MEMBER_EXIT,
        InGroup::Full => words::GROUP_FULL,
        InGroup::Recalled { .. } => words::RECALL_MSG,
        InGroup::Online { cause: OnlineCause::Recovered, .. } | InGroup::Offline { cause: OfflineCause::Interrupted, .. } => words::ON_MEMBER_STATE_CHANGE,
        // Told as joined and left, or to live rooms alone.
        InGroup::Online { .. }
        | InGroup::Offline { .. }
        | InGroup::OwnerChanged { .. }
        | InGroup::AdminsChanged { .. }
        | InGroup::MetadataSet(_)
        | InGroup::MetadataDeleted(_)
        | InGroup::NearLimit { .. } => return None,
    })
}

fn body(word: &str, event: &GroupEvent, app: &App) -> Body {
    let group = &event.group;
    let body = Body::new(word).with("GroupId", group.id.as_str());
    let by = operator(&event.by, app);
    let body = match &event.what {
        // Two words are documented with less than all others.
        InGroup::Online { user, .. } => return body.with("EventType", "Online").with("MemberList", members([user])),
        InGroup::Offline { user, .. } => return body.with("EventType", "Offline").with("MemberList", members([user])),
        InGroup::Full => return body.at(event.at, app),
        InGroup::Created { members: first } => {
            // The owner stands apart.
            let others = first.iter().filter(|user| group.owner != user.as_str());
            let body = described(body, group).with("Operator_Account", by).with("MemberList", members(others));
            if group.data.is_empty() { body } else { body.with("UserDefinedDataList", entries(&group.data)) }
        }
        // Of those of a group for very many nobody is told.
        InGroup::Deleted { .. } if group.kind == GroupKind::Community => described(body, group),
        InGroup::Deleted { members: last } => described(body, group).with("MemberList", members(last)),
        InGroup::Changed { before } => {
            let changed = profile(group).into_iter().zip(profile(before)).filter(|(now, before)| now != before);
            changed.fold(body.with("Operator_Account", by), |body, ((name, value), _)| body.with(name, value))
        }
        InGroup::Joined { users, how } => {
            let (how, by) = match how {
                Joining::Applied => ("Apply", itself(users, event, by)),
                Joining::Invited => ("Invited", by),
            };
            body.with("JoinType", how).with("Operator_Account", by).with("NewMemberList", members(users))
        }
        InGroup::Left { users, how } => {
            let (how, by) = match how {
                Leaving::Quit => ("Quit", itself(users, event, by)),
                Leaving::Kicked => ("Kicked", by),
            };
            body.with("ExitType", how).with("Operator_Account", by).with("ExitMemberList", members(users))
        }
        InGroup::Recalled { seqs } => {
            let seqs: Vec<_> = seqs.iter().map(|seq| Recalled { msg_seq: *seq }).collect();
            body.with("Operator_Account", by).with("MsgSeqList", seqs)
        }
        InGroup::OwnerChanged { .. } | InGroup::AdminsChanged { .. } | InGroup::MetadataSet(_) | InGroup::MetadataDeleted(_) | InGroup::NearLimit { .. } => {
            body
        }
    };
    body.with("Type", names::kind_name(group.kind)).at(event.at, app)
}

fn described(body: Body, group: &Group) -> Body {
    body.with("Name", names::room_name(&group.id, &group.name)).with("Owner_Account", &group.owner)
}

/// What a change has to be of to be told.
fn profile(group: &Group) -> [(&'static str, &str); 4] {
    [("Name", &group.name), ("Introduction", &group.info), ("Notification", &group.room.notice), ("FaceUrl", &group.room.cover_url)]
}

/// Who comes or goes by itself did it, also where that is known only of its connection.
fn itself<'a>(users: &'a [UserId], event: &GroupEvent, by: &'a str) -> &'a str {
    users.first().filter(|_| event.by.user.is_empty()).map_or(by, UserId::as_str)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Recalled {
    msg_seq: u64,
}
