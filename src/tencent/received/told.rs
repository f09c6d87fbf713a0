//! What a webhook's body tells, in words for a person: a line each, of live rooms (`tencent.md` §3.2) and of the chat
//! (§6.3, §6.4).

use crate::tencent::words;
use serde_json::Value;

/// What a body tells, a line each. The error says why it is no webhook of this cloud.
pub fn in_words(body: &[u8]) -> Result<Vec<String>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    let Some(word) = body["CallbackCommand"].as_str() else {
        return Err("the body is none that is known here".into());
    };
    Ok(vec![live(word, &body).or_else(|| chat(word, &body)).unwrap_or_else(|| word.to_owned())])
}

/// Of live rooms (§3.2).
fn live(word: &str, body: &Value) -> Option<String> {
    let info = &body["RoomInfo"];
    let room = body["RoomId"].as_str().unwrap_or_else(|| text(&info["RoomId"]));
    let by = by(body);
    Some(match word {
        words::CREATE_ROOM => format!("room {room} was made{by}, its owner is {}", nobody(&info["Owner_Account"])),
        words::DESTROY_ROOM => format!("room {room} was destroyed{by}, seen {} times", info["ViewCount"]),
        words::UPDATE_ROOM_INFO => format!("room {room} was changed{by}"),
        words::MEMBER_STATE_CHANGED => {
            let users = names(&body["MemberList"], |member| text(&member["Member_Account"]).into());
            match text(&body["EventCause"]) {
                "Enter" => format!("{users} entered room {room}"),
                "Leave" => format!("{users} left room {room}"),
                "HeartbeatInterrupt" => format!("{users} lost the connection to room {room}"),
                "HeartbeatRecover" => format!("{users} came back to room {room}"),
                "Kicked" => format!("{users} was put out of room {room}"),
                cause => format!("{users} in room {room}: {} {cause}", text(&body["EventType"])),
            }
        }
        words::CHANGE_OWNER => {
            format!("room {room} now has the owner {}, before {}", nobody(&body["CurrentOwner_Account"]), nobody(&body["OriginalOwner_Account"]))
        }
        words::MODIFY_ADMIN => {
            let what = if text(&body["opType"]) == "add" { "new" } else { "former" };
            format!("room {room} has {what} administrators{by}: {}", names(&body["Admin_Account"], |user| text(user).into()))
        }
        words::SET_METADATA => {
            let pair = |entry: &Value| format!("{}={:?}", text(&entry["Key"]), text(&entry["Value"]));
            format!("room {room}: metadata set{by}: {}", names(&body["Metadata"], pair))
        }
        words::DEL_METADATA => format!("room {room}: metadata deleted{by}: {}", names(&body["Keys"], |key| text(key).into())),
        words::REACHING_THRESHOLD => format!("{} of {} rooms are there", body["CurRoomCount"], body["MaxRoomCount"]),
        _ => return None,
    })
}

/// Of the chat (§6.3, §6.4).
fn chat(word: &str, body: &Value) -> Option<String> {
    let (group, from, by) = (text(&body["GroupId"]), text(&body["From_Account"]), by(body));
    let members = |list: &str| names(&body[list], |member| text(&member["Member_Account"]).into());
    let said = || said(&body["MsgBody"]);
    let failed = |code: &str| format!("was not delivered: {} {}", body[code], text(&body["ErrorInfo"]));
    Some(match word {
        words::STATE_CHANGE => {
            let info = &body["Info"];
            let what = match text(&info["Action"]) {
                "Login" => "logged on",
                "Logout" => "logged off",
                "Disconnect" => "lost the connection",
                other => other,
            };
            format!("{} {what} ({})", text(&info["To_Account"]), text(&info["Reason"]))
        }
        words::BEFORE_CREATE_GROUP => format!("asked: a group of type {} is made{by}, its owner is {}", text(&body["Type"]), nobody(&body["Owner_Account"])),
        words::AFTER_CREATE_GROUP => format!("group {group} of type {} was made{by}, its owner is {}", text(&body["Type"]), nobody(&body["Owner_Account"])),
        words::BEFORE_APPLY_JOIN => format!("asked: {} joins group {group}", text(&body["Requestor_Account"])),
        words::BEFORE_INVITE_JOIN => format!("asked: group {group}: added{by}: {}", members("DestinationMembers")),
        words::NEW_MEMBER_JOIN if body["JoinType"] == "Invited" => format!("group {group}: added{by}: {}", members("NewMemberList")),
        words::NEW_MEMBER_JOIN => format!("{} joined group {group}", members("NewMemberList")),
        words::MEMBER_EXIT if body["ExitType"] == "Kicked" => format!("group {group}: put out{by}: {}", members("ExitMemberList")),
        words::MEMBER_EXIT => format!("{} left group {group}", members("ExitMemberList")),
        words::GROUP_DESTROYED => format!("group {group} was destroyed{by}"),
        words::GROUP_FULL => format!("group {group} is full"),
        words::GROUP_INFO_CHANGED => format!("group {group} was changed{by}"),
        words::BEFORE_SEND_MSG => format!("asked: {from} says {} in group {group}", said()),
        words::AFTER_SEND_MSG => format!("{from} said {} in group {group} as {}", said(), body["MsgSeq"]),
        words::SEND_MSG_EXCEPTION => format!("what {from} said in group {group} {}: {}", failed("ErrorCode"), said()),
        words::RECALL_MSG => format!("group {group}: recalled{by}: {}", names(&body["MsgSeqList"], |item| item["MsgSeq"].to_string())),
        words::ON_MEMBER_STATE_CHANGE if body["EventType"] == "Online" => format!("{} came back to group {group}", members("MemberList")),
        words::ON_MEMBER_STATE_CHANGE => format!("{} lost the connection to group {group}", members("MemberList")),
        words::C2C_BEFORE_SEND_MSG => format!("asked: {from} says {} to {}", said(), text(&body["To_Account"])),
        words::C2C_AFTER_SEND_MSG if body["SendMsgResult"] == 0 => format!("{from} said {} to {}", said(), text(&body["To_Account"])),
        words::C2C_AFTER_SEND_MSG => format!("what {from} said to {} {}: {}", text(&body["To_Account"]), failed("SendMsgResult"), said()),
        _ => return None,
    })
}

/// So much of a text is shown: it is to be read on one line.
const SHOWN_CHARS: usize = 200;

/// A text in quotes, of other elements their type.
fn said(elements: &Value) -> String {
    let one = |element: &Value| match (text(&element["MsgType"]), element["MsgContent"]["Text"].as_str()) {
        ("TIMTextElem", Some(text)) => match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{:?} … ({} characters)", &text[..end], text.chars().count()),
            None => format!("{text:?}"),
        },
        (other, _) => format!("[{other}]"),
    };
    names(elements, one)
}

fn by(body: &Value) -> String {
    match body["Operator_Account"].as_str() {
        None | Some("") => String::new(),
        Some(operator) => format!(" by {operator}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn nobody(owner: &Value) -> &str {
    owner.as_str().filter(|owner| !owner.is_empty()).unwrap_or("nobody")
}

fn names(list: &Value, name: impl Fn(&Value) -> String) -> String {
    list.as_array().into_iter().flatten().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_in_words() {
        let told = |rest: &str| in_words(format!(r#"{{"CallbackCommand":"Live.Callback{rest}}}"#).as_bytes()).unwrap().join("\n");
        let state = |cause: &str| {
            told(&format!(r#"AfterMemberStateChanged","RoomId":"r1","EventType":"Online","EventCause":"{cause}","MemberList":[{{"Member_Account":"u1"}}]"#))
        };
        for (told, expected) in [
            (told(r#"AfterCreateRoom","Operator_Account":"boss","RoomInfo":{"RoomId":"r1","Owner_Account":"o"}"#), "room r1 was made by boss, its owner is o"),
            (told(r#"AfterCreateRoom","Operator_Account":"","RoomInfo":{"RoomId":"r1","Owner_Account":""}"#), "room r1 was made, its owner is nobody"),
            (told(r#"AfterDestroyRoom","RoomId":"r1","RoomInfo":{"ViewCount":3}"#), "room r1 was destroyed, seen 3 times"),
            (told(r#"AfterUpdateRoomInfo","Operator_Account":"b","RoomInfo":{"RoomId":"r1"}"#), "room r1 was changed by b"),
            (state("Enter"), "u1 entered room r1"),
            (state("Leave"), "u1 left room r1"),
            (state("HeartbeatInterrupt"), "u1 lost the connection to room r1"),
            (state("HeartbeatRecover"), "u1 came back to room r1"),
            (state("Kicked"), "u1 was put out of room r1"),
            (state("New"), "u1 in room r1: Online New"),
            (told(r#"AfterChangeOwner","RoomId":"r1","CurrentOwner_Account":"b","OriginalOwner_Account":"""#), "room r1 now has the owner b, before nobody"),
            (
                told(r#"AfterModifyAdmin","RoomId":"r1","Operator_Account":"o","Admin_Account":["a","b"],"opType":"add""#),
                "room r1 has new administrators by o: a, b",
            ),
            (told(r#"AfterModifyAdmin","RoomId":"r1","Admin_Account":["a"],"opType":"delete""#), "room r1 has former administrators: a"),
            (
                told(r#"AfterSetMetadata","RoomId":"r1","Metadata":[{"Key":"k","Value":"v\n"},{"Key":"l","Value":""}]"#),
                "room r1: metadata set: k=\"v\\n\", l=\"\"",
            ),
            (told(r#"AfterDelMetadata","RoomId":"r1","Keys":["k","l"]"#), "room r1: metadata deleted: k, l"),
            (told(r#"AfterCreateRoomReachingThreshold","CurRoomCount":7,"MaxRoomCount":10"#), "7 of 10 rooms are there"),
            (told(r#"New""#), "Live.CallbackNew"),
        ] {
            assert_eq!(told, expected);
        }
        let chat = |word: &str, rest: &str| {
            in_words(format!(r#"{{"CallbackCommand":"{word}","GroupId":"g1","Operator_Account":"boss",{rest}}}"#).as_bytes()).unwrap().join("\n")
        };
        let state = |action: &str, reason: &str| chat(words::STATE_CHANGE, &format!(r#""Info":{{"Action":"{action}","To_Account":"u1","Reason":"{reason}"}}"#));
        let message = r#""From_Account":"u1","To_Account":"u2","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"h\u0007i"}},{"MsgType":"TIMFaceElem","MsgContent":{"Index":1}}]"#;
        let message = |more: &str| format!("{message},{more}");
        let said = r#""h\u{7}i", [TIMFaceElem]"#;
        let one = |list: &str, more: &str| format!(r#""{list}":[{{"Member_Account":"u1"}},{{"Member_Account":"u2"}}],{more}"#);
        for (told, expected) in [
            (state("Login", "Register"), "u1 logged on (Register)"),
            (state("Logout", "Unregister"), "u1 logged off (Unregister)"),
            (state("Disconnect", "LinkClose"), "u1 lost the connection (LinkClose)"),
            (chat(words::BEFORE_CREATE_GROUP, r#""Type":"Public","Owner_Account":"o""#), "asked: a group of type Public is made by boss, its owner is o"),
            (chat(words::AFTER_CREATE_GROUP, r#""Type":"Public","Owner_Account":"""#), "group g1 of type Public was made by boss, its owner is nobody"),
            (chat(words::BEFORE_APPLY_JOIN, r#""Requestor_Account":"u1""#), "asked: u1 joins group g1"),
            (chat(words::BEFORE_INVITE_JOIN, &one("DestinationMembers", r#""Type":"Public""#)), "asked: group g1: added by boss: u1, u2"),
            (chat(words::NEW_MEMBER_JOIN, &one("NewMemberList", r#""JoinType":"Invited""#)), "group g1: added by boss: u1, u2"),
            (chat(words::NEW_MEMBER_JOIN, &one("NewMemberList", r#""JoinType":"Apply""#)), "u1, u2 joined group g1"),
            (chat(words::MEMBER_EXIT, &one("ExitMemberList", r#""ExitType":"Kicked""#)), "group g1: put out by boss: u1, u2"),
            (chat(words::MEMBER_EXIT, &one("ExitMemberList", r#""ExitType":"Quit""#)), "u1, u2 left group g1"),
            (chat(words::GROUP_DESTROYED, r#""Type":"Public""#), "group g1 was destroyed by boss"),
            (chat(words::GROUP_FULL, r#""EventTime":1"#), "group g1 is full"),
            (chat(words::GROUP_INFO_CHANGED, r#""Name":"n""#), "group g1 was changed by boss"),
            (chat(words::BEFORE_SEND_MSG, &message(r#""Random":1"#)), &format!("asked: u1 says {said} in group g1")),
            (chat(words::AFTER_SEND_MSG, &message(r#""MsgSeq":7"#)), &format!("u1 said {said} in group g1 as 7")),
            (
                chat(words::SEND_MSG_EXCEPTION, &message(r#""ErrorCode":10017,"ErrorInfo":"u1 is muted""#)),
                &format!("what u1 said in group g1 was not delivered: 10017 u1 is muted: {said}"),
            ),
            (chat(words::RECALL_MSG, r#""MsgSeqList":[{"MsgSeq":3},{"MsgSeq":4}]"#), "group g1: recalled by boss: 3, 4"),
            (chat(words::ON_MEMBER_STATE_CHANGE, &one("MemberList", r#""EventType":"Online""#)), "u1, u2 came back to group g1"),
            (chat(words::ON_MEMBER_STATE_CHANGE, &one("MemberList", r#""EventType":"Offline""#)), "u1, u2 lost the connection to group g1"),
            (chat(words::C2C_BEFORE_SEND_MSG, &message(r#""MsgSeq":7"#)), &format!("asked: u1 says {said} to u2")),
            (chat(words::C2C_AFTER_SEND_MSG, &message(r#""SendMsgResult":0,"ErrorInfo":"send msg succeed""#)), &format!("u1 said {said} to u2")),
            (
                chat(words::C2C_AFTER_SEND_MSG, &message(r#""SendMsgResult":20006,"ErrorInfo":"refused""#)),
                &format!("what u1 said to u2 was not delivered: 20006 refused: {said}"),
            ),
            (
                chat(
                    words::AFTER_SEND_MSG,
                    &format!(r#""From_Account":"u1","MsgSeq":1,"MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{}"}}}}]"#, "ä".repeat(201)),
                ),
                &format!("u1 said \"{}\" … (201 characters) in group g1 as 1", "ä".repeat(200)),
            ),
            (chat("Sns.CallbackFriendAdd", r#""PairList":[]"#), "Sns.CallbackFriendAdd"),
        ] {
            assert_eq!(told, expected);
        }
        assert!(in_words(b"{}").is_err() && in_words(b"").is_err() && in_words(b"[]").is_err());
    }
}
