//! Live rooms as their managers and the people in them see them (`tencent.md` §4): a room is a group, whoever made it.
//! Who may come and speak is in `live_members.rs`.

use crate::{
    harness::{Client, Tencent, World},
    live_members::{ban, banned, mute, muted},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SECOND: u64 = 1_000;

/// The code with which the socket refuses to let somebody into a room.
pub fn refused(client: &mut Client, room: &str) -> u64 {
    client.code("subscribe", json!({"channel": format!("group:{room}")}))
}

pub fn info(api: &Tencent, room: &str) -> Value {
    api.live("get_room_info", json!({"RoomId": room}))["RoomInfo"].clone()
}

pub fn update(api: &Tencent, room: &str, mut change: Value) {
    change["RoomId"] = room.into();
    assert_eq!(api.live("update_room_info", json!({"RoomInfo": change})), Value::Null);
}

/// The client was put out of the room and told so.
pub fn put_out(client: &mut Client) {
    let seen = client.heard();
    assert!(seen.iter().any(|push| push.get("unsubscribe").is_some()), "{seen:?}");
}

#[test]
fn a_room_is_made_shown_changed_and_dissolved() {
    let world = World::new();
    world.users(&["host"]);
    let api = world.tencent();
    let made = json!({
        "RoomId": "r 1!", "RoomType": "Live", "RoomName": "直播", "Owner_Account": "host", "MaxMemberCount": 9, "CoverURL": "https://a.example/c.png",
        "IsMessageDisabled": true, "Category": [3, 1], "IsPublicVisible": false, "IsSeatEnabled": true, "TakeSeatMode": "ApplyToTake",
        "MaxSeatCount": 4, "ActivityStatus": -2, "IsUnlimitedRoomEnabled": true, "SeatLayoutTemplateId": 600,
    });
    let answer = api.live("create_room", json!({"RoomInfo": made}));
    let shown = info(&api, "r 1!");
    assert_eq!(answer["RoomInfo"], shown, "what was made is told");
    let fields = |expected: &Value, shown: &Value| {
        for (field, value) in expected.as_object().unwrap() {
            assert!(shown.get(field).is_none_or(|got| got == value), "{field}: {shown}");
        }
    };
    fields(&made, &shown);
    assert_eq!((&shown["CreateTime"], &shown["ViewCount"]), (&json!(world.seconds()), &json!(0)));
    api.room("plain");
    let usual = json!({
        "RoomId": "plain", "RoomName": "plain", "RoomType": "Live", "Owner_Account": "administrator", "IsSeatEnabled": false, "TakeSeatMode": "FreeToTake",
        "MaxSeatCount": 0, "IsMessageDisabled": false, "CoverURL": "", "Category": [], "ActivityStatus": 0, "ViewCount": 0, "IsPublicVisible": true,
    });
    let plain = info(&api, "plain");
    usual.as_object().unwrap().iter().for_each(|(field, value)| assert_eq!(&plain[field], value, "{field}"));
    for (field, value) in [
        ("RoomName", json!("B")),
        ("MaxMemberCount", json!(0)),
        ("IsMessageDisabled", json!(false)),
        ("CoverURL", json!("")),
        ("Category", json!([])),
        ("ActivityStatus", json!(7)),
        ("IsPublicVisible", json!(true)),
        ("TakeSeatMode", json!("FreeToTake")),
        ("Notice", json!("welcome")),
    ] {
        let mut expected = info(&api, "r 1!");
        update(&api, "r 1!", json!({field: value}));
        expected[field] = value;
        assert_eq!(info(&api, "r 1!"), expected, "{field} alone was changed");
    }
    assert_eq!(api.live("destroy_room", json!({"RoomId": "r 1!"})), Value::Null);
    for (command, body) in [("get_room_info", json!({"RoomId": "r 1!"})), ("destroy_room", json!({"RoomId": "r 1!"}))] {
        assert_eq!(api.live_fails(command, body), 100004, "{command}");
    }
}

#[test]
fn a_group_of_one_cloud_is_a_room_of_the_other() {
    let world = World::of(&["g1"]);
    let (api, other) = (world.tencent(), world.api());
    world.users(&["host"]);
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "RoomName": "A room", "Owner_Account": "host"}}));
    let group = |id: &str| other.ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", id)]);
    assert_eq!((&group("r1")["GroupName"], &group("r1")["CreatorId"]), (&json!("A room"), &json!("host")));
    assert_eq!(info(&api, "g1")["Owner_Account"], "", "nobody was named");
    let chat = api.ok("group_open_http_svc/get_group_info", json!({"GroupIdList": ["g1", "r1"]}));
    for (n, id) in ["g1", "r1"].iter().enumerate() {
        assert_eq!((&chat["GroupInfo"][n]["GroupId"], &chat["GroupInfo"][n]["Type"]), (&json!(id), &json!("AVChatRoom")));
    }
    let mut u1 = world.member("u1", "r1");
    let sent = api.live("send_text_msg", json!({"RoomId": "r1", "Sender_Account": "host", "TextContent": "welcome"}));
    assert_eq!((&sent["MsgSeq"], &sent["MsgTime"]), (&json!(1), &json!(world.seconds())));
    assert_eq!(u1.hear(), "welcome");
    other.ok("SendLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "r1"), ("SenderId", "s"), ("Body", "from there")]);
    assert_eq!(u1.hear(), "from there");
    let sent = api.live("send_custom_msg", json!({"RoomId": "r1", "BusinessId": "gift", "Data": "{\"n\":1}"}));
    assert_eq!(sent["MsgSeq"], 3);
    let listed = other.messages(&world.app, "r1");
    assert_eq!(listed[..2], [(1, "welcome".to_owned()), (2, "from there".to_owned())]);
    let elements: Value = serde_json::from_str(&listed[2].1).expect("the elements");
    let data: Value = serde_json::from_str(elements[0]["MsgContent"]["Data"].as_str().expect("text")).expect("JSON in it");
    assert_eq!((&elements[0]["MsgType"], data), (&json!("TIMCustomElem"), json!({"BusinessId": "gift", "Data": "{\"n\":1}"})));
    assert_eq!((&info(&api, "r1")["ViewCount"], &chat["GroupInfo"][1]["MemberNum"]), (&json!(1), &json!(0)));
}

#[test]
fn metadata_is_kept_by_key_within_its_limits() {
    let mut world = World::new();
    let api = world.tencent();
    api.room("r1");
    let set = |api: &Tencent, pairs: &[(&str, &str)]| {
        let pairs: Vec<Value> = pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        api.post("live_engine_http_srv/set_room_metadata", &json!({"RoomId": "r1", "Metadata": pairs})).code()
    };
    let get = |api: &Tencent, keys: &[&str]| {
        let all = api.live("get_room_metadata", json!({"RoomId": "r1", "Keys": keys}));
        let pair = |pair: &Value| format!("{}={}", pair["Key"].as_str().unwrap(), pair["Value"].as_str().unwrap());
        all["Metadata"].as_array().unwrap_or_else(|| panic!("{all}")).iter().map(pair).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    let del = |api: &Tencent, keys: &[&str]| api.live("del_room_metadata", json!({"RoomId": "r1", "Keys": keys}));
    assert_eq!(get(&api, &[]), "");
    assert_eq!(set(&api, &[("a", "1"), ("b", "2")]), 0);
    assert_eq!(set(&api, &[("b", "3"), ("c", "")]), 0);
    assert_eq!((get(&api, &[]), get(&api, &["b", "none"])), ("a=1 b=3 c=".into(), "b=3".into()));
    del(&api, &["a", "none"]);
    assert_eq!(get(&api, &[]), "b=3 c=");
    let keys: Vec<String> = (0..8).map(|n| format!("k{n}")).collect();
    let eight: Vec<(&str, &str)> = keys.iter().map(|key| (&**key, "v")).collect();
    assert_eq!(set(&api, &eight), 0);
    assert_eq!(set(&api, &[("one too many", "v")]), 100002);
    assert_eq!(set(&api, &[("b", "still")]), 0, "a key that is there");
    // 16 KiB of keys and values in all.
    del(&api, &["c", "k7"]);
    let value = "v".repeat(2_046);
    let seven: Vec<(&str, &str)> = keys[..7].iter().map(|key| (&**key, &*value)).collect();
    assert_eq!(set(&api, &seven), 0);
    assert_eq!(set(&api, &[("b", &"v".repeat(2_048))]), 100002);
    assert_eq!(set(&api, &[("b", &"v".repeat(2_047))]), 0, "to the last byte");
    assert_eq!(set(&api, &[("c", "")]), 100002);
    let before = get(&api, &[]);
    world.server.crash();
    assert_eq!(get(&world.tencent(), &[]), before);
}

fn list(api: &Tencent, next: &str, count: u32) -> (Vec<String>, String) {
    let page = api.live("get_room_list", json!({"Next": next, "Count": count}));
    let ids = page["RoomList"].as_array().unwrap_or_else(|| panic!("{page}")).iter().map(|room| room["RoomId"].as_str().unwrap().to_owned());
    (ids.collect(), page["Next"].as_str().expect("a cursor").to_owned())
}

#[test]
fn rooms_are_listed_by_their_views_and_the_pages_hold_when_rooms_come_and_go() {
    let world = World::new();
    let api = world.tencent();
    for n in 0..7 {
        api.room(&format!("r{n}"));
    }
    update(&api, "r6", json!({"IsPublicVisible": false}));
    api.room("gone");
    api.live("destroy_room", json!({"RoomId": "gone"}));
    let mut viewer = world.on("viewer");
    let mut view = |room: &str, times: usize| {
        for _ in 0..times {
            viewer.join(room);
            viewer.leave(room);
        }
    };
    view("r2", 5);
    view("r0", 3);
    view("r4", 3);
    view("r6", 9);
    // Of as many views the younger comes first.
    assert_eq!(list(&api, "", 20), (["r2", "r4", "r0", "r5", "r3", "r1"].map(String::from).into(), String::new()));
    let one = api.live("get_room_list", json!({}))["RoomList"][0].clone();
    let expected = json!({"RoomName": "r2", "RoomId": "r2", "Owner_Account": "administrator", "CoverURL": "", "Category": [], "CreateTime": world.seconds(), "ActivityStatus": 0, "ViewCount": 5});
    assert_eq!(one, expected);
    let (first, next) = list(&api, "", 2);
    assert_eq!(first, ["r2", "r4"]);
    assert!(next.starts_with("3-"), "views and number: {next}");
    // Between two pages a room goes, one is made, one becomes public, and one is looked at.
    api.live("destroy_room", json!({"RoomId": "r4"}));
    api.room("new");
    update(&api, "r6", json!({"IsPublicVisible": true}));
    view("r1", 4);
    let (second, next) = list(&api, &next, 2);
    assert_eq!(second, ["r0", "new"]);
    let (third, end) = list(&api, &next, 20);
    assert_eq!((third, &*end), (["r5", "r3"].map(String::from).into(), ""));
    assert_eq!(list(&api, "", 20).0, ["r6", "r2", "r1", "r0", "new", "r5", "r3"]);
    // A page that is just full says whether there is more.
    let (all, next) = list(&api, "", 7);
    assert_eq!((all.len(), &*next), (7, ""));
}

#[test]
fn a_room_that_is_made_again_has_nothing_of_the_one_before() {
    let mut world = World::new();
    world.users(&["a"]);
    let api = world.tencent();
    let make = |api: &Tencent| {
        api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "RoomName": "first", "Owner_Account": "a", "MaxMemberCount": 5}}))
    };
    make(&api);
    let mut u1 = world.on("u1");
    let epoch = u1.join("r1")["epoch"].clone();
    for n in 0..3 {
        u1.tell("r1", format!("m{n}"));
    }
    mute(&api, "u2", 600);
    ban(&api, &["u3"], 600);
    api.live("set_room_metadata", json!({"RoomId": "r1", "Metadata": [{"Key": "k", "Value": "v"}]}));
    api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": ["b"], "OpType": "add"}));
    update(&api, "r1", json!({"Notice": "n", "IsMessageDisabled": true}));
    api.live("destroy_room", json!({"RoomId": "r1"}));
    put_out(&mut u1);
    assert_eq!(refused(&mut u1, "r1"), 441, "it is deleted");
    api.room("r1");
    let shown = info(&api, "r1");
    for (field, value) in [
        ("RoomName", json!("r1")),
        ("Owner_Account", json!("administrator")),
        ("MaxMemberCount", json!(0)),
        ("Notice", json!("")),
        ("IsMessageDisabled", json!(false)),
        ("ViewCount", json!(0)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!((muted(&api), banned(&api)), (vec![], vec![]));
    assert_eq!(api.live("get_room_metadata", json!({"RoomId": "r1", "Keys": []}))["Metadata"], json!([]));
    assert_eq!(api.live("get_admin_list", json!({"RoomId": "r1"}))["Admin_Account"], json!([]));
    assert_eq!(world.api().messages(&world.app, "r1"), []);
    for _ in 0..2 {
        // An SDK that comes back with the old position is told that it cannot have what it missed.
        let mut u1 = world.on("u1");
        let reply = u1.ask("subscribe", json!({"channel": "group:r1", "recover": true, "offset": 1, "epoch": epoch}));
        match reply.get("subscribe") {
            Some(joined) => {
                assert_eq!((&joined["was_recovering"], joined.get("recovered").unwrap_or(&json!(false))), (&json!(true), &json!(false)), "{joined}");
                assert_eq!(joined.get("publications").unwrap_or(&json!([])), &json!([]), "{joined}");
                assert_ne!(joined["epoch"], epoch, "it is another stream");
            }
            None => assert_eq!(reply["error"]["code"], 112, "{reply}"),
        }
        let mut u2 = world.member("u2", "r1");
        u2.tell("r1", "not muted");
        world.member("u3", "r1").leave("r1");
        world.server.restart();
    }
    let bodies: BTreeSet<String> = world.api().messages(&world.app, "r1").into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["not muted".to_owned()].into());
}

#[test]
fn a_deleted_group_can_be_recovered_unless_its_name_was_taken_again() {
    let world = World::of(&["g1", "g2"]);
    let (api, other) = (world.tencent(), world.api());
    let app = ("AppId", &*world.app.id);
    let recover = |group: &str| other.call("RecoverLiveMessageDeletedGroup", &[app, ("GroupId", group)]).v3();
    for group in ["g1", "g2"] {
        let mut u1 = world.member("u1", group);
        u1.tell(group, format!("said in {group}"));
        u1.ok("rpc", json!({"method": "session.logoff"}));
    }
    // One is deleted by either cloud; both can be recovered.
    api.live("destroy_room", json!({"RoomId": "g1"}));
    other.ok("DeleteLiveMessageGroup", &[app, ("GroupId", "g2")]);
    for group in ["g1", "g2"] {
        assert_eq!(recover(group).status, 200, "{group}");
        assert_eq!(other.messages(&world.app, group), [(1, format!("said in {group}"))], "with all of it");
        assert_eq!(info(&api, group)["ViewCount"], 1);
    }
    other.ok("DeleteLiveMessageGroup", &[app, ("GroupId", "g1")]);
    // To the other cloud a deleted group's name stays taken.
    let again = other.ok("CreateLiveMessageGroup", &[app, ("GroupId", "g1")]);
    assert_eq!(again["AlreadyDelete"], true, "{again}");
    assert_eq!(api.live_fails("get_room_info", json!({"RoomId": "g1"})), 100004);
    api.room("g1");
    assert_eq!(recover("g1").status, 200, "that one lives");
    assert_eq!(other.messages(&world.app, "g1"), [], "it is the new one");
    api.live("destroy_room", json!({"RoomId": "g1"}));
    assert_eq!(recover("g1").status, 200);
    assert_eq!(other.messages(&world.app, "g1"), [], "the first is gone for good");
    let groups = other.ok("ListLiveMessageGroups", &[app, ("SortType", "1")]);
    let ids: Vec<&str> = groups["GroupList"].as_array().unwrap().iter().map(|group| group["GroupId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().filter(|id| **id == "g1").count(), 1, "{groups}");
    assert!(ids.iter().all(|id| !id.contains('\n')), "{groups}");
}

#[test]
fn the_41st_message_of_a_second_is_dropped_and_its_number_is_not() {
    let world = World::with(|settings| settings.rules.quotas.group_messages_per_second = 40);
    let api = world.tencent();
    world.users(&["u0", "u1", "u2"]);
    api.room("r1");
    let say = |n: usize| api.live("send_text_msg", json!({"RoomId": "r1", "Sender_Account": format!("u{}", n % 3), "TextContent": format!("m{n}")}));
    for n in 1..=40 {
        let sent = say(n);
        assert_eq!((&sent["MsgSeq"], sent.get("MsgDropReason")), (&json!(n), None), "{sent}");
    }
    assert_eq!(say(41)["MsgDropReason"], "MsgFreqCtrl");
    world.advance(SECOND);
    assert_eq!(say(42)["MsgSeq"], 41);
    assert_eq!(world.api().messages(&world.app, "r1").len(), 41);
}
