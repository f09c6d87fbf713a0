//! What is said in groups of the chat and from one user to another (`tencent.md` §5.3, §5.4): numbers, repeats, too many in
//! a second, options, history and taking back; on the business's side and on the socket.

use crate::harness::{Client, Tencent, World, saying, text_body};
use serde_json::{Value, json};

const SECOND: u64 = 1_000;

/// A group `g1` of `owner` and `u1`, with 40 messages a second.
fn world() -> (World, Tencent) {
    let world = World::with(|settings| settings.rules.quotas.group_messages_per_second = 40);
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1"]);
    (world, api)
}

/// The data of the publications that came by now.
fn heard(client: &mut Client) -> Vec<Value> {
    client.heard().iter().filter_map(|push| push["pub"].get("data").cloned()).filter(|data| data.get("body").is_some()).collect()
}

fn seqs(answer: &Value) -> Vec<u64> {
    answer["RspMsgList"].as_array().expect("a list").iter().map(|message| message["MsgSeq"].as_u64().expect("a number")).collect()
}

#[test]
fn the_same_message_within_5_minutes_is_said_once_also_over_a_restart() {
    let (mut world, api) = world();
    let mut u1 = world.member("u1", "g1");
    let body = |from: &str, random: u32, text: &str| json!({"GroupId": "g1", "From_Account": from, "Random": random, "MsgBody": text_body(text)});
    let first = api.group("send_group_msg", body("owner", 7, "hi"));
    assert_eq!((&first["MsgSeq"], &first["MsgTime"]), (&json!(1), &json!(world.seconds())));
    world.advance(100 * SECOND);
    assert_eq!(api.group("send_group_msg", body("owner", 7, "hi")), first, "answered as the first was");
    // Another sender, number or text is another message.
    for (n, (from, random, text)) in [("u1", 7, "hi"), ("owner", 8, "hi"), ("owner", 7, "ho")].into_iter().enumerate() {
        assert_eq!(api.group("send_group_msg", body(from, random, text))["MsgSeq"], n as u64 + 2, "{from} {random} {text}");
    }
    assert_eq!(heard(&mut u1).len(), 4);
    world.server.restart();
    let api = world.tencent();
    assert_eq!(api.group("send_group_msg", body("owner", 7, "hi")), first, "after a restart");
    world.server.crash();
    let api = world.tencent();
    world.advance(200 * SECOND - 1);
    assert_eq!(api.group("send_group_msg", body("owner", 7, "hi")), first, "after a crash, in the last moment");
    world.advance(1);
    assert_eq!(api.group("send_group_msg", body("owner", 7, "hi"))["MsgSeq"], 5, "after 5 minutes it is another one");
    assert_eq!(api.history("g1").len(), 5);
}

#[test]
fn the_41st_message_of_a_second_is_dropped_or_refused_and_takes_no_number() {
    let (world, api) = world();
    let mut u1 = world.member("u1", "g1");
    let say = |n: usize| api.say("g1", ["owner", "u1"][n % 2], &format!("m{n}"));
    for n in 1..=40 {
        let said = say(n);
        assert_eq!((&said["MsgSeq"], said.get("MsgDropReason")), (&json!(n), None), "{said}");
    }
    let dropped = say(41);
    assert_eq!((&dropped["MsgSeq"], &dropped["MsgDropReason"], &dropped["MsgTime"]), (&json!(0), &json!("MsgFreqCtrl"), &json!(world.seconds())));
    // What the business tells as such is not counted, and is no message.
    api.group("send_group_system_notification", json!({"GroupId": "g1", "Content": "notice"}));
    api.make("g2", "Public", &["owner"]);
    assert_eq!(api.say("g2", "owner", "elsewhere")["MsgSeq"], 1, "other groups are not counted to it");
    world.chat(json!({"rate_mode": "reject"}));
    assert_eq!(api.group_fails("send_group_msg", saying("g1", "u1", "m42")), 10023);
    let answer = api.post("group_open_http_svc/send_group_msg", &saying("g1", "u1", "m43")).send();
    assert_eq!(answer.body["ErrorInfo"], "msg count exceeds limit,please retry later");
    world.advance(SECOND);
    assert_eq!(say(44)["MsgSeq"], 41, "a number was not lost");
    let texts: Vec<String> = heard(&mut u1).iter().map(|data| data["body"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.len(), 41);
    assert_eq!(texts.last().map(String::as_str), Some("m44"));
    let seqs: Vec<u64> = api.history("g1").into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, (22..=41).rev().collect::<Vec<_>>());
}

#[test]
fn what_clients_with_a_usersig_say_counts_to_the_40_as_well() {
    let (world, api) = world();
    let mut u1 = world.by_usersig("u1", "web");
    u1.join("g1");
    for n in 0..40 {
        u1.tell("g1", format!("m{n}"));
    }
    // It is answered as if it were said.
    u1.tell("g1", "m40");
    assert_eq!(api.say("g1", "owner", "m41")["MsgDropReason"], "MsgFreqCtrl");
    world.chat(json!({"rate_mode": "reject"}));
    assert_eq!(u1.code("publish", json!({"channel": "group:g1", "data": "m42"})), 412);
    // A client of the other cloud's login is held by its own limits alone.
    let mut owner = world.member("owner", "g1");
    owner.tell("g1", "not counted");
    assert_eq!(api.history("g1")[0], (41, "not counted".into()));
}

#[test]
fn a_message_reaches_clients_with_its_elements_and_options() {
    let (world, api) = world();
    let mut u1 = world.member("u1", "g1");
    let elements = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "look"}}, {"MsgType": "TIMFaceElem", "MsgContent": {"Index": 6, "Data": "abc"}}]);
    let custom = json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d", "Desc": "e", "Ext": "f", "Sound": "s"}}]);
    let mut send = |more: Value| {
        let mut body = saying("g1", "owner", "hi");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let said = api.group("send_group_msg", body);
        (said["MsgSeq"].as_u64().unwrap(), heard(&mut u1))
    };
    let (seq, data) = send(json!({"CloudCustomData": "mine", "MsgBody": elements}));
    assert_eq!((seq, data.len()), (1, 1));
    assert_eq!((&data[0]["elems"], &data[0]["custom"], &data[0]["sender"]["user"]), (&elements, &json!("mine"), &json!("owner")));
    let (_, data) = send(json!({"MsgBody": custom}));
    assert_eq!(data[0]["elems"], custom);
    for (more, expected) in [
        (json!({"SendMsgControl": ["NoUnread", "NoLastMsg"]}), json!({"no_unread": true, "no_last": true})),
        (json!({"SendMsgControl": ["NoUnread"]}), json!({"no_unread": true})),
        (json!({"GroupAtInfo": [{"GroupAtAllFlag": 0, "GroupAt_Account": "u1"}, {"GroupAtAllFlag": 1}]}), json!({"at": ["u1", "@all"]})),
        (json!({"SupportMessageExtension": 1}), json!({"extension": true})),
        (json!({"OfflinePushInfo": {"Title": "t"}, "ForbidCallbackControl": ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]}), Value::Null),
    ] {
        let (_, data) = send(more.clone());
        assert_eq!(data[0].get("options").unwrap_or(&Value::Null), &expected, "{more}");
    }
    // Priorities are weights.
    for (priority, weight, number) in [("High", 1_000_000, 1), ("Normal", 1, 2), ("Low", 0, 3)] {
        let (_, data) = send(json!({"MsgPriority": priority}));
        assert_eq!(data[0]["weight"], weight, "{priority}");
        let newest = api.group("group_msg_get_simple", json!({"GroupId": "g1", "ReqMsgNumber": 1}))["RspMsgList"][0].clone();
        assert_eq!(newest["MsgPriority"], number, "{priority}");
    }
    // One for those who are there now takes no number and is not kept.
    let top = api.group_info("g1")["NextMsgSeq"].clone();
    let (seq, data) = send(json!({"OnlineOnlyFlag": 1}));
    assert_eq!((seq, data.len(), &api.group_info("g1")["NextMsgSeq"]), (0, 1, &top));
    // One for some members is heard by them alone and not kept either.
    let mut owner = world.member("owner", "g1");
    let mut body = saying("g1", "owner", "psst");
    body["To_Account"] = json!(["u1"]);
    let said = api.group("send_group_msg", body);
    assert_eq!((&said["MsgSeq"], heard(&mut owner).len()), (&json!(0), 0), "{said}");
    assert_eq!(api.group_info("g1")["NextMsgSeq"], top);
}

#[test]
fn history_is_told_newest_first_with_what_was_taken_back_in_its_place() {
    let (mut world, api) = world();
    let mut u1 = world.member("u1", "g1");
    u1.tell("g1", json!({"body": "from a client"}));
    u1.tell("g1", json!({"body": "{}", "type": 7}));
    for n in 3..=25 {
        api.say("g1", "owner", &format!("m{n}"));
        world.advance(SECOND);
    }
    let get = |api: &Tencent, more: Value| {
        let mut body = more;
        body["GroupId"] = "g1".into();
        api.group("group_msg_get_simple", body)
    };
    let page = get(&api, json!({"ReqMsgNumber": 5}));
    assert_eq!((seqs(&page), &page["IsFinished"], &page["GroupId"]), ((21..=25).rev().collect(), &json!(1), &json!("g1")));
    assert_eq!(seqs(&get(&api, json!({"ReqMsgNumber": 3, "ReqMsgSeq": 2}))), [2, 1]);
    assert_eq!(seqs(&get(&api, json!({"ReqMsgNumber": 20, "ReqMsgSeq": 30}))).len(), 20);
    assert_eq!(get(&api, json!({"ReqMsgNumber": 21}))["IsFinished"], 0, "more were asked for than one call tells");
    let both = get(&api, json!({"ReqMsgNumber": 2, "ReqMsgSeq": 2}))["RspMsgList"].clone();
    assert_eq!((&both[1]["MsgBody"], &both[1]["From_Account"]), (&text_body("from a client"), &json!("u1")));
    assert_eq!(both[0]["MsgBody"], json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": "{}", "Ext": "7"}}]));
    assert!(both[0]["MsgRandom"].is_u64() && both[0]["IsPlaceMsg"] == 0, "{both}");

    // Numbers come as texts from one generation of clients.
    let recalled = api.group("group_msg_recall", json!({"GroupId": "g1", "MsgSeqList": [{"MsgSeq": "24"}, {"MsgSeq": 23}, {"MsgSeq": 24}, {"MsgSeq": 99}]}));
    let codes = |answer: &Value| {
        let list = answer["RecallRetList"].as_array().unwrap().clone();
        list.iter().map(|one| (one["MsgSeq"].as_u64().unwrap(), one["RetCode"].as_i64().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(codes(&recalled), [(24, 0), (23, 0), (24, 0), (99, 10030)]);
    assert_eq!(codes(&api.group("group_msg_recall", json!({"GroupId": "g1", "MsgSeqList": [{"MsgSeq": 24}]}))), [(24, 0)], "once more is no error");
    let told: Vec<Value> =
        u1.heard().iter().filter(|push| push["pub"]["tags"]["event"] == "message.deleted").map(|push| push["pub"]["data"]["seq"].clone()).collect();
    assert_eq!(told, [json!(24), json!(23)], "clients hear of it once");
    for how in ["nothing", "restart", "crash"] {
        match how {
            "restart" => world.server.restart(),
            "crash" => world.server.crash(),
            _ => (),
        }
        let api = world.tencent();
        assert_eq!(seqs(&get(&api, json!({"ReqMsgNumber": 3}))), [25, 22, 21], "{how}");
        let with = get(&api, json!({"ReqMsgNumber": 3, "WithRecalledMsg": 1}));
        assert_eq!(seqs(&with), [25, 24, 23], "{how}");
        assert_eq!((&with["RspMsgList"][1]["IsPlaceMsg"], &with["RspMsgList"][1]["MsgBody"]), (&json!(2), &json!([])), "{how}");
    }
}

#[test]
fn what_the_business_tells_reaches_who_is_there_and_is_kept_nowhere() {
    let (world, api) = world();
    let (mut owner, mut u1) = (world.member("owner", "g1"), world.member("u1", "g1"));
    let notices = |client: &mut Client| {
        let all = client.heard();
        all.iter()
            .filter(|push| push["pub"]["tags"]["event"] == "group.notice")
            .map(|push| push["pub"]["data"]["content"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    api.group("send_group_system_notification", json!({"GroupId": "g1", "Content": "to all"}));
    api.group("send_group_system_notification", json!({"GroupId": "g1", "Content": "to one", "ToMembers_Account": ["u1", "stranger"]}));
    api.group("send_group_system_notification", json!({"GroupId": "g1", "Content": "to all again", "ToMembers_Account": []}));
    assert_eq!(notices(&mut u1), ["to all", "to one", "to all again"]);
    assert_eq!(notices(&mut owner), ["to all", "to all again"]);
    assert_eq!((api.history("g1"), &api.group_info("g1")["NextMsgSeq"]), (vec![], &json!(1)));
}

#[test]
fn sizes_are_of_the_elements_and_the_custom_data() {
    let (_world, api) = world();
    let say = |text: usize, custom: usize| {
        let mut body = saying("g1", "owner", &"x".repeat(text));
        body["CloudCustomData"] = "y".repeat(custom).into();
        api.post("group_open_http_svc/send_group_msg", &body).code()
    };
    let around = text_body("").to_string().len();
    for (text, custom, expected) in [(12_288 - around, 0, 0), (12_289 - around, 0, 80002), (1, 12_287 - around, 0), (1, 12_288 - around, 80002)] {
        assert_eq!(say(text, custom), expected, "{text} {custom}");
    }
    let mut body = json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": 1, "MsgBody": text_body(&"x".repeat(12_289 - around))});
    assert_eq!(api.fails("openim/sendmsg", body.clone()), 93000);
    body["MsgBody"] = text_body(&"x".repeat(12_288 - around));
    api.c2c("sendmsg", body);
}

#[test]
fn a_message_from_one_to_another_is_numbered_by_its_key_kept_and_taken_back() {
    let (mut world, api) = world();
    let mut u1 = world.on("u1");
    let now = world.seconds();
    let body = json!({"From_Account": "owner", "To_Account": "u1", "MsgSeq": 93, "MsgRandom": 1_287_657, "MsgBody": text_body("hi"), "CloudCustomData": "c"});
    let sent = api.c2c("sendmsg", body.clone());
    let key = format!("93_1287657_{now}");
    assert_eq!((&sent["MsgTime"], &sent["MsgKey"]), (&json!(now), &json!(key)));
    let told = u1.push()["message"]["data"].clone();
    assert_eq!((&told["body"], &told["sender"]["user"], &told["elems"], &told["custom"]), (&json!("hi"), &json!("owner"), &text_body("hi"), &json!("c")));
    // Both ways are one story; what was for who is there alone is not in it.
    world.advance(3 * SECOND);
    let back = api.c2c("sendmsg", json!({"From_Account": "u1", "To_Account": "owner", "MsgRandom": 5, "MsgBody": text_body("ho")}))["MsgKey"].clone();
    api.c2c("sendmsg", json!({"From_Account": "u1", "To_Account": "owner", "MsgRandom": 6, "MsgLifeTime": 0, "MsgBody": text_body("gone")}));
    let story = |api: &Tencent, more: Value| {
        let mut body = json!({"Operator_Account": "owner", "Peer_Account": "u1", "MaxCnt": 100, "MinTime": 0, "MaxTime": 4_000_000_000u32});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        api.c2c("admin_getroammsg", body)
    };
    let texts = |answer: &Value| {
        let list = answer["MsgList"].as_array().unwrap().clone();
        assert_eq!(answer["MsgCnt"], list.len(), "{answer}");
        list.iter().map(|m| m["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for how in ["nothing", "restart", "crash"] {
        match how {
            "restart" => world.server.restart(),
            "crash" => world.server.crash(),
            _ => (),
        }
        let api = world.tencent();
        let all = story(&api, json!({}));
        assert_eq!((texts(&all), &all["Complete"]), (vec!["hi".into(), "ho".into()], &json!(1)), "{how}");
        assert_eq!((&all["MsgList"][0]["MsgKey"], &all["MsgList"][1]["MsgKey"]), (&json!(key), &back), "{how}");
        let swapped = story(&api, json!({"Operator_Account": "u1", "Peer_Account": "owner"}));
        assert_eq!(texts(&swapped), ["hi", "ho"]);
    }
    let api = world.tencent();
    let last = story(&api, json!({"MaxCnt": 1}));
    assert_eq!((texts(&last), &last["Complete"], &last["LastMsgKey"]), (vec!["ho".into()], &json!(0), &back));
    let before = story(&api, json!({"MaxCnt": 1, "MaxTime": last["LastMsgTime"], "LastMsgKey": back}));
    assert_eq!((texts(&before), &before["Complete"]), (vec!["hi".into()], &json!(1)));
    assert_eq!(texts(&story(&api, json!({"MaxTime": now + 2}))), ["hi"]);

    let mut u1 = world.on("u1");
    let take = json!({"From_Account": "owner", "To_Account": "u1", "MsgKey": key});
    api.c2c("admin_msgwithdraw", take.clone());
    let deleted = u1.push()["message"]["data"].clone();
    assert_eq!(deleted["event"], "message.deleted", "{deleted}");
    assert_eq!(texts(&story(&api, json!({}))), ["ho"]);
    for (wrong, expected) in [
        (take, 20022),
        (json!({"From_Account": "u1", "To_Account": "owner", "MsgKey": key}), 20022),
        (json!({"From_Account": "owner", "To_Account": "u1", "MsgKey": "93_x_1"}), 90054),
    ] {
        assert_eq!(api.fails("openim/admin_msgwithdraw", wrong.clone()), expected, "{wrong}");
    }
}

#[test]
fn one_message_goes_to_many_and_who_does_not_exist_is_listed() {
    let (world, api) = world();
    let (mut u1, mut owner) = (world.on("u1"), world.on("owner"));
    let body = json!({"From_Account": "owner", "To_Account": ["u1", "nobody", "owner"], "MsgRandom": 3, "MsgSeq": 4, "MsgBody": text_body("all")});
    let sent = api.c2c("batchsendmsg", body);
    assert_eq!(sent["MsgKey"], format!("4_3_{}", world.seconds()));
    let failed: Vec<&str> = sent["ErrorList"].as_array().unwrap().iter().map(|one| one["To_Account"].as_str().unwrap()).collect();
    assert_eq!(failed, ["nobody"]);
    assert_eq!((&u1.push()["message"]["data"]["body"], &owner.push()["message"]["data"]["body"]), (&json!("all"), &json!("all")));
}

#[test]
fn one_message_is_for_all_who_are_in_a_live_room() {
    let (world, api) = world();
    for room in ["a1", "a2", "a3"] {
        api.make(room, "AVChatRoom", &["owner"]);
    }
    let (mut u1, mut u2, mut out) = (world.member("u1", "a1"), world.member("u2", "a2"), world.member("owner", "g1"));
    api.group("send_broadcast_msg", json!({"Random": 1, "From_Account": "owner", "MsgBody": text_body("to all"), "CloudCustomData": "c"}));
    for client in [&mut u1, &mut u2] {
        let data = heard(client);
        assert_eq!(data.len(), 1, "{data:?}");
        assert_eq!((&data[0]["body"], &data[0]["custom"], &data[0]["sender"]["user"]), (&json!("to all"), &json!("c"), &json!("owner")));
    }
    assert_eq!(heard(&mut out).len(), 0, "other groups do not hear of it");
    assert_eq!(api.group_info("a1")["NextMsgSeq"], 1, "it takes no number");
    assert_eq!(api.group_fails("send_broadcast_msg", json!({"Random": 2, "From_Account": "nobody", "MsgBody": text_body("x")})), 10019);
}

#[test]
fn who_sends_need_not_be_a_member_but_its_mutes_count_and_a_word_of_the_list_is_refused() {
    let (world, api) = world();
    api.import(&["outside"]);
    api.say("g1", "outside", "a guest");
    api.group("send_group_msg", json!({"GroupId": "g1", "Random": 1, "MsgBody": text_body("the administrator")}));
    let newest = api.group("group_msg_get_simple", json!({"GroupId": "g1", "ReqMsgNumber": 2}))["RspMsgList"].clone();
    assert_eq!((&newest[0]["From_Account"], &newest[1]["From_Account"]), (&json!("administrator"), &json!("outside")));
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["outside"], "MuteTime": 60}));
    assert_eq!(api.group_fails("send_group_msg", saying("g1", "outside", "x")), 10017);
    // Between two users a mute of a group is none.
    api.c2c("sendmsg", json!({"From_Account": "outside", "To_Account": "u1", "MsgRandom": 1, "MsgBody": text_body("x")}));
    std::fs::write(world.server.folder.join("words.txt"), "bad\n").unwrap();
    world.api().ok("ModifyLiveMessageAppAudit", &[("AppId", &world.app.id), ("AuditType", "1")]);
    crate::harness::eventually("the list is in force", || {
        world.advance(1_000);
        api.post("group_open_http_svc/send_group_msg", &saying("g1", "owner", "very BAD")).code() == 80001
    });
    assert_eq!(api.fails("openim/sendmsg", json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": 1, "MsgBody": text_body("bad")})), 80001);
}
