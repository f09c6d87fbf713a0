//! Rooms as groups of the chat (`tencent.md` §5.2).

use super::*;
use crate::domain::Refusal;

const INFO: &str = "group_open_http_svc/get_group_info";

#[test]
fn a_room_is_a_group() {
    let server = Server::new();
    server.account("ann");
    let room = json!({"RoomId": "r1", "RoomType": "Live", "RoomName": "name", "Owner_Account": "ann", "CoverURL": "c", "MaxMemberCount": 9});
    server.response("create_room", json!({"RoomInfo": room}));
    server.response("update_room_info", json!({"RoomInfo": {"RoomId": "r1", "Notice": "note", "IsMessageDisabled": true}}));
    server.response("send_text_msg", json!({"RoomId": "r1", "Sender_Account": "ann", "TextContent": "x"}));
    server.fake.join("demo", "ann", 1);
    let told = json!({
        "GroupId": "r1", "ErrorCode": 0, "ErrorInfo": "", "Type": "AVChatRoom", "Name": "name", "Appid": SDKAPPID, "Introduction": "",
        "Notification": "note", "FaceUrl": "c", "Owner_Account": "ann", "CreateTime": 1_700_000_000,
        "LastInfoTime": 1_700_000_000, "LastMsgTime": 1_700_000_000, "NextMsgSeq": 2, "MemberNum": 1,
        "MaxMemberNum": 9, "ApplyJoinOption": "FreeAccess", "MuteAllMember": "On", "ShutUpAllMember": "On", "AppDefinedData": [], "MemberList": [],
    });
    assert_eq!(server.call(INFO, json!({"GroupIdList": ["r1"]}))["GroupInfo"], json!([told]));
    server.room("r2");
    assert_eq!(server.call(INFO, json!({"GroupIdList": ["r2"]}))["GroupInfo"][0]["LastMsgTime"], 0, "nobody has said anything");
}

#[test]
fn a_filter_names_what_is_told() {
    let server = Server::new();
    server.room("r1");
    let fields = |filter: Value| {
        let answer = server.call(INFO, json!({"GroupIdList": ["r1"], "ResponseFilter": filter}));
        let mut names: Vec<String> = answer["GroupInfo"][0].as_object().unwrap_or_else(|| panic!("{answer}")).keys().cloned().collect();
        names.retain(|name| !["GroupId", "ErrorCode", "ErrorInfo"].contains(&name.as_str()));
        names
    };
    assert!(fields(json!({})).is_empty());
    assert_eq!(fields(json!({"GroupBaseInfoFilter": ["Name", "NextMsgSeq", "NoSuchField"]})), ["Name", "NextMsgSeq"]);
    for name in ["MuteAllMember", "ShutUpAllMember"] {
        assert_eq!(fields(json!({"GroupBaseInfoFilter": [name]})), ["MuteAllMember", "ShutUpAllMember"]);
    }
    assert_eq!(fields(json!({"MemberInfoFilter": ["Account", "Role"], "GroupBaseInfoFilter": []})), ["MemberList"]);
    assert_eq!(fields(json!({"AppDefinedDataFilter_Group": ["a"], "AppDefinedDataFilter_GroupMember": ["b"]})), ["AppDefinedData", "MemberList"]);
    server.refuses(
        INFO,
        10004,
        [
            json!({"GroupIdList": ["r1"], "ResponseFilter": []}),
            json!({"GroupIdList": ["r1"], "ResponseFilter": {"GroupBaseInfoFilter": "Name"}}),
            json!({"GroupIdList": ["r1"], "ResponseFilter": {"MemberInfoFilter": [1]}}),
            json!({"GroupIdList": ["r1"], "ResponseFilter": {"AppDefinedDataFilter_GroupMember": {}}}),
        ],
    );
}

#[test]
fn each_group_has_its_own_code() {
    let server = Server::new();
    for room in ["r1", "gone"] {
        server.room(room);
    }
    server.response("destroy_room", json!({"RoomId": "gone"}));
    let long = "x".repeat(65);
    let answer = server.call(INFO, json!({"GroupIdList": ["never", "r1", "gone", "", "a\n", long]}));
    assert_eq!(code(&answer), 0);
    let codes: Vec<_> = answer["GroupInfo"].as_array().unwrap().iter().map(|one| (one["GroupId"].clone(), code(one))).collect();
    let expected = [("never", 10015), ("r1", 0), ("gone", 10010), ("", 10015), ("a\n", 10015), (&long, 10015)];
    assert_eq!(codes, expected.map(|(id, code)| (json!(id), code)));
    assert_eq!(answer["GroupInfo"][2]["ErrorInfo"], "group gone was disbanded");
    let many = vec!["r1"; 51];
    server.refuses(
        INFO,
        10004,
        [json!({}), json!({"GroupIdList": "r1"}), json!({"GroupIdList": []}), json!({"GroupIdList": [1]}), json!({"GroupIdList": many})],
    );
    *server.fake.refuse.lock().unwrap() = Some(Refusal::Unavailable);
    server.refuses(INFO, 10002, [json!({"GroupIdList": ["r1"]})]);
}

#[test]
fn an_answer_has_a_megabyte_at_most() {
    use crate::domain::{
        AppId, GroupId,
        ask::Ask,
        request::{Actor, GroupRequest, NewGroup, Request},
    };
    let server = Server::new();
    // The other cloud's spelling allows infos of 32 KB.
    let new = NewGroup { info: "x".repeat(32_768), ..NewGroup::default() };
    let (app, group) = (AppId::trusted("demo"), GroupId::trusted("g1"));
    server.fake.call(Request::Group { app, group, by: Actor::server(None), what: GroupRequest::Create(Box::new(new)) }).unwrap();
    assert_eq!(server.code(INFO, json!({"GroupIdList": vec!["g1"; 30]})), 0);
    assert_eq!(server.code(INFO, json!({"GroupIdList": vec!["g1"; 31]})), 10018);
    assert_eq!(server.code(INFO, json!({"GroupIdList": vec!["g1"; 31], "ResponseFilter": {"GroupBaseInfoFilter": ["Name"]}})), 0);
}
