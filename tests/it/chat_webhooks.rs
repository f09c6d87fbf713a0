//! What the business is told of its chat (`tencent.md` §6.3): each word once for what it stands for, its body as in the
//! golden files, which have been compared with the documents; in order, and as the application wants it.

use crate::harness::{AFTER, Answers, Business, Client, Tencent, World, golden, operator, saying, text_body};
use serde_json::{Value, json};

const SECOND: u64 = 1_000;

/// When it happens, in unix seconds, 123 ms later.
const AT: i64 = 1_790_000_000;

/// A world at that moment, and a business that is told everything.
fn world() -> (World, Tencent, Business) {
    let world = World::at(AT);
    world.advance(123);
    let api = world.tencent();
    let business = Business::start();
    world.tells(&business, &AFTER);
    (world, api, business)
}

/// The one thing that was told meanwhile: its body, which is as in the golden file but for these fields.
#[track_caller]
fn as_golden(world: &World, business: &Business, name: &str, other: Value) {
    world.server.settle();
    let all = business.all();
    let [told] = &all[..] else { panic!("{name}: one is told, and came {all:#?}") };
    let mut golden = golden(name, other.clone());
    if golden.get("EventTime").is_some() && other.get("EventTime").is_none() {
        golden["EventTime"] = world.server.clock.now().0.into();
    }
    assert_eq!(told.body, golden, "{name}: what came, and what is documented");
    business.forget();
}

fn rpc(client: &mut Client, method: &str, data: Value) -> Value {
    client.ok("rpc", json!({"method": method, "data": data}))
}

#[test]
fn each_word_is_told_once_with_the_body_that_is_documented() {
    let (world, api, business) = world();
    let now = AT * 1_000 + 123;
    api.import(&["leckie", "bob", "peter", "jared", "tommy", "Jonh"]);
    world.server.settle();
    assert!(business.all().is_empty(), "of accounts nobody is told");
    let by = json!("administrator");

    api.group(
        "create_group",
        json!({
            "GroupId": "g1", "Type": "Public", "Name": "MyFirstGroup", "Owner_Account": "leckie",
            "MemberList": [{"Member_Account": "bob"}, {"Member_Account": "peter"}], "MaxMemberCount": 5,
            "AppDefinedData": [{"Key": "UserDefined1", "Value": "hello"}, {"Key": "UserDefined2", "Value": "world"}],
        }),
    );
    as_golden(&world, &business, "chat_after_create_group", json!({"GroupId": "g1", "Operator_Account": by}));

    let two = json!([{"Member_Account": "jared"}, {"Member_Account": "tommy"}]);
    api.group("modify_group_base_info", json!({"GroupId": "g1", "MaxMemberNum": 6}));
    world.server.settle();
    assert!(business.all().is_empty(), "its size is not told");
    api.group("add_group_member", json!({"GroupId": "g1", "MemberList": two}));
    as_golden(&world, &business, "chat_new_member_join", json!({"GroupId": "g1", "Operator_Account": by}));

    let mut body = saying("g1", "jared", "red packet");
    (body["Random"], body["CloudCustomData"]) = (123_456.into(), "your cloud custom data".into());
    api.group("send_group_msg", body);
    as_golden(&world, &business, "chat_after_send_msg", json!({"GroupId": "g1", "Operator_Account": by, "MsgSeq": 1, "MsgTime": AT, "OnlineOnlyFlag": 0}));
    api.group("send_group_msg", json!({"GroupId": "g1", "Random": 2, "MsgBody": text_body("x"), "ForbidCallbackControl": ["ForbidAfterSendMsgCallback"]}));
    api.group("group_msg_recall", json!({"GroupId": "g1", "MsgSeqList": [{"MsgSeq": 1}, {"MsgSeq": 2}, {"MsgSeq": 1}]}));
    as_golden(&world, &business, "chat_recall_msg", json!({"GroupId": "g1", "Operator_Account": by, "MsgSeqList": [{"MsgSeq": 1}, {"MsgSeq": 2}]}));

    api.group("modify_group_base_info", json!({"GroupId": "g1", "Notification": "NewNotification"}));
    as_golden(&world, &business, "chat_group_info_changed", json!({"GroupId": "g1", "Operator_Account": by}));

    api.group("delete_group_member", json!({"GroupId": "g1", "MemberToDel_Account": ["jared", "tommy", "nobody"]}));
    as_golden(&world, &business, "chat_member_exit", json!({"GroupId": "g1", "Operator_Account": by}));

    api.group("modify_group_base_info", json!({"GroupId": "g1", "MaxMemberNum": 3}));
    let one = json!([{"Member_Account": "jared"}]);
    assert_eq!(api.group_fails("add_group_member", json!({"GroupId": "g1", "MemberList": one})), 10014);
    as_golden(&world, &business, "chat_group_full", json!({"GroupId": "g1"}));

    api.group("destroy_group", json!({"GroupId": "g1"}));
    let members = json!([{"Member_Account": "leckie"}, {"Member_Account": "bob"}, {"Member_Account": "peter"}]);
    as_golden(&world, &business, "chat_group_destroyed", json!({"GroupId": "g1", "MemberList": members}));

    let direct = json!({
        "From_Account": "jared", "To_Account": "Jonh", "MsgSeq": 48_374, "MsgRandom": 2_837_546, "MsgBody": text_body("red packet"),
        "CloudCustomData": "your cloud custom data",
    });
    api.c2c("sendmsg", direct);
    as_golden(&world, &business, "chat_c2c_after_send_msg", json!({"OnlineOnlyFlag": 0, "MsgTime": AT, "MsgKey": format!("48374_2837546_{AT}")}));

    let first = world.by_usersig("testuser316", "ios 15");
    world.server.settle();
    let login =
        json!({"CallbackCommand": "State.StateChange", "EventTime": now, "Info": {"Action": "Login", "Reason": "Register", "To_Account": "testuser316"}});
    let told = business.await_told("State.StateChange", 1);
    assert_eq!((&told[0].body, told[0].param("OptPlatform"), told[0].param("ClientIP")), (&login, Some("IOS"), Some("127.0.0.1")));
    business.forget();
    let second = world.by_usersig("testuser316", "iOS of another");
    as_golden(&world, &business, "chat_state_change_login", json!({}));
    drop(first);
    second.fall_silent();
    world.advance(91 * SECOND);
    as_golden(&world, &business, "chat_state_change_timeout", json!({"EventTime": now + 91_000 - 1_000}));
}

#[test]
fn why_a_session_ends_is_told() {
    let (world, _api, business) = world();
    let states = |expected: &[&str]| {
        world.server.settle();
        let told: Vec<String> = business
            .told("State.StateChange")
            .iter()
            .map(|told| {
                let info = &told.body["Info"];
                let text = |name: &str| info[name].as_str().unwrap().to_owned();
                format!("{} {} {}", text("To_Account"), text("Action"), text("Reason"))
            })
            .collect();
        business.forget();
        assert_eq!(told, expected);
    };
    let mut off = world.on("off");
    rpc(&mut off, "session.logoff", json!({}));
    states(&["off Login Register", "off Logout Unregister"]);
    world.on("closed").close(1000);
    world.advance(2 * SECOND);
    states(&["closed Login Register", "closed Logout Unregister"]);
    world.on("gone").vanish();
    world.advance(91 * SECOND);
    states(&["gone Login Register", "gone Disconnect LinkClose"]);
    let silent = world.on("silent");
    silent.fall_silent();
    world.advance(91 * SECOND);
    states(&["silent Login Register", "silent Disconnect TimeOut"]);
    let _first = world.on_device("twice", "web one");
    let mut second = world.on_device("twice", "windows two");
    world.server.settle();
    let logins = business.await_told("State.StateChange", 2);
    assert_eq!((&logins[1].body["KickedDevice"], logins[1].param("OptPlatform")), (&json!([{"Platform": "Web"}]), Some("Windows")));
    business.forget();
    rpc(&mut second, "session.logoff", json!({}));
    states(&["twice Logout Unregister"]);
    let _disabled = world.on("disabled");
    states(&["disabled Login Register"]);
    world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", "true")]);
    world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", "false")]);
    states(&["disabled Logout Unregister"]);
}

#[test]
fn what_clients_do_is_told_as_their_own() {
    let (world, api, business) = world();
    api.import(&["owner"]);
    api.group("create_group", json!({"GroupId": "g1", "Type": "Meeting", "Name": "n", "Owner_Account": "owner", "MaxMemberCount": 2}));
    business.await_told("Group.CallbackAfterCreateGroup", 1);
    let mut u1 = world.by_usersig("u1", "android 14");
    world.server.settle();
    business.forget();
    let now = AT * 1_000 + 123;
    u1.join("g1");
    world.server.settle();
    let members = json!([{"Member_Account": "u1"}]);
    let told = business.await_told("Group.CallbackAfterNewMemberJoin", 1);
    assert_eq!(
        told[0].body,
        json!({
            "CallbackCommand": "Group.CallbackAfterNewMemberJoin", "EventTime": now, "GroupId": "g1", "Type": "ChatRoom", "JoinType": "Apply",
            "Operator_Account": "u1", "NewMemberList": members,
        })
    );
    assert_eq!(told[0].param("OptPlatform"), Some("Android"));
    business.await_told("Group.CallbackAfterGroupFull", 1);
    u1.tell("g1", json!({"body": "hi"}));
    let told = business.await_told("Group.CallbackAfterSendMsg", 1);
    assert_eq!((&told[0].body["From_Account"], &told[0].body["Operator_Account"], &told[0].body["MsgBody"]), (&json!("u1"), &json!("u1"), &text_body("hi")));
    assert!(told[0].body["Random"].is_u64());
    // Presence is not membership.
    u1.leave("g1");
    u1.join("g1");
    rpc(&mut u1, "group.quit", json!({"group_id": "g1"}));
    let told = business.await_told("Group.CallbackAfterMemberExit", 1);
    assert_eq!((&told[0].body["ExitType"], &told[0].body["ExitMemberList"], &told[0].body["Operator_Account"]), (&json!("Quit"), &members, &json!("u1")));
    business.await_told("Group.CallbackAfterNewMemberJoin", 1);
    // One user hears of another.
    rpc(&mut u1, "user.send", json!({"user": "u1", "body": "note"}));
    let told = business.await_told("C2C.CallbackAfterSendMsg", 1);
    assert_eq!((&told[0].body["From_Account"], &told[0].body["MsgBody"], &told[0].body["SendMsgResult"]), (&json!("u1"), &text_body("note"), &json!(0)));
}

#[test]
fn of_a_live_room_both_urls_are_told_their_own_words() {
    let (world, api, business) = world();
    api.ok("live_config/set_callback", json!({"Url": world.receiver.live_url(), "CallbackCommandList": ["Live.CallbackAfterMemberStateChanged"]}));
    api.import(&["owner"]);
    api.group("create_group", json!({"GroupId": "a1", "Type": "AVChatRoom", "Name": "n", "Owner_Account": "owner"}));
    let mut u1 = world.on_device("u1", "web");
    u1.join("a1");
    world.hooked(&["a1 Online Enter u1"]);
    let told = business.await_told("Group.CallbackAfterNewMemberJoin", 1);
    assert_eq!((&told[0].body["Type"], &told[0].body["JoinType"]), (&json!("AVChatRoom"), &json!("Apply")));
    world.server.settle();
    business.forget();
    u1.vanish();
    world.advance(20 * SECOND);
    world.hooked(&["a1 Offline HeartbeatInterrupt u1"]);
    as_golden(&world, &business, "chat_on_member_state_change", json!({"GroupId": "a1", "MemberList": [{"Member_Account": "u1"}]}));
    let mut u1 = world.on_device("u1", "web");
    u1.join("a1");
    world.hooked(&["a1 Online HeartbeatRecover u1"]);
    let online = json!({"GroupId": "a1", "EventType": "Online", "MemberList": [{"Member_Account": "u1"}]});
    as_golden(&world, &business, "chat_on_member_state_change", online);
    u1.leave("a1");
    world.hooked(&["a1 Offline Leave u1"]);
    business.await_told("Group.CallbackAfterMemberExit", 1);
    business.forget();
    api.group("destroy_group", json!({"GroupId": "a1"}));
    business.await_told("Group.CallbackAfterGroupDestroyed", 1);
}

#[test]
fn only_what_is_wanted_is_told_signed_if_that_is_wanted_and_in_the_order_of_the_group() {
    let (world, api, business) = world();
    world.tells(&business, &["Group.CallbackAfterSendMsg"]);
    api.make("g1", "Public", &["owner"]);
    for n in 0..30 {
        api.say("g1", "owner", &format!("m{n}"));
    }
    let told = business.await_told("Group.CallbackAfterSendMsg", 30);
    let seqs: Vec<u64> = told.iter().map(|told| told.body["MsgSeq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=30).collect::<Vec<_>>());
    assert_eq!(business.all().len(), 30);
    world.chat(json!({"event_time_as_string": true}));
    api.say("g1", "owner", "x");
    let told = business.await_told("Group.CallbackAfterSendMsg", 31);
    assert_eq!(told[30].body["EventTime"], (AT * 1_000 + 123).to_string());
    // One that fails is given up at once, unless the application wants it repeated.
    business.says(|_| Answers::Raw(500, vec![]));
    business.forget();
    api.say("g1", "owner", "y");
    business.await_told("Group.CallbackAfterSendMsg", 1);
    world.advance(60 * SECOND);
    assert_eq!(business.all().len(), 1);
    business.says(|_| Answers::Proceed);
    api.say("g1", "owner", "z");
    assert_eq!(business.await_told("Group.CallbackAfterSendMsg", 2)[1].body["MsgSeq"], 33);
}

#[test]
fn what_happened_before_a_restart_is_told_after_it() {
    let (mut world, api, business) = world();
    api.make("g1", "Public", &["owner"]);
    business.await_told("Group.CallbackAfterCreateGroup", 1);
    let (at, data) = (world.server.running().control, world.server.folder.path());
    assert_eq!(operator(at, data, "PATCH", &format!("apps/{}", world.app.id), r#"{"after_retry": 3}"#).status, 200);
    business.says(|_| Answers::Raw(500, vec![]));
    business.forget();
    api.say("g1", "owner", "m1");
    api.say("g1", "owner", "m2");
    world.advance(2 * SECOND);
    world.server.crash();
    business.says(|_| Answers::Proceed);
    world.advance(6 * SECOND);
    let told = business.told("Group.CallbackAfterSendMsg");
    let seqs: Vec<u64> = told.iter().map(|told| told.body["MsgSeq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 1, 1, 2], "it is tried until it is taken, and what waited behind it is next");
    assert!(told[..3].iter().all(|told_of| told_of.body == told[0].body && told_of.param("RequestID") == told[0].param("RequestID")));
}
