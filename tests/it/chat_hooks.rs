//! What the business is asked before something is done (`tencent.md` §6.2): each answer and what it does, no answer, and
//! that nobody else waits for somebody's server.

use crate::{
    harness::{AFTER, Answers, App, BEFORE, Business, Client, Folder, Process, Tencent, World, operator, saying, text_body, wall},
    moderation::p99,
};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: u64 = 1_000;
const SEND: &str = "group_open_http_svc/send_group_msg";
const ASKED: &str = "Group.CallbackBeforeSendMsg";
const TOLD: &str = "Group.CallbackAfterSendMsg";
const FAILED: &str = "Group.CallbackSendMsgException";

/// A group `g1` of `owner` and `u1`, and a business that is asked and told everything.
fn world() -> (World, Tencent, Business) {
    let world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1"]);
    let business = Business::start();
    world.tells(&business, &[&AFTER[..], &BEFORE[..]].concat());
    (world, api, business)
}

/// Answers a Before hook of this word so, and says yes to everything else.
fn says(business: &Business, word: &'static str, answer: Answers) {
    business.says(move |body| if body["CallbackCommand"] == word { answer.clone() } else { Answers::Proceed });
}

fn code(code: i64, info: &str) -> Answers {
    Answers::Json(json!({"ActionStatus": "OK", "ErrorCode": code, "ErrorInfo": info}))
}

fn heard(client: &mut Client) -> Vec<String> {
    client.heard().iter().filter_map(|push| Some(push["pub"]["data"]["body"].as_str()?.to_owned())).collect()
}

/// The call, while it is not answered; time passes once the business was asked.
fn while_silent(world: &World, business: &Business, word: &str, call: impl FnOnce() -> (i64, String) + Send) -> (i64, String) {
    let asked = business.told(word).len();
    std::thread::scope(|scope| {
        let calling = scope.spawn(call);
        business.await_told(word, asked + 1);
        world.advance(2 * SECOND);
        calling.join().expect("it is answered")
    })
}

/// Code and reason of a message that is sent by the API.
fn send(api: &Tencent, command: &str, body: &Value) -> (i64, String) {
    let answer = api.post(command, body).send();
    (crate::harness::code(&answer), answer.body["ErrorInfo"].as_str().unwrap().to_owned())
}

#[test]
fn each_answer_about_a_message_does_what_is_documented() {
    let (world, api, business) = world();
    let mut u1 = world.member("u1", "g1");
    let mut said = 0;
    for (n, (answer, expected, heard_of, failed)) in [
        (code(0, ""), 0, true, None),
        (Answers::Json(json!({"ErrorCode": 0})), 0, true, None),
        (code(1, "no"), 10016, false, Some(10016)),
        (code(2, "no"), 0, false, None),
        (code(10_150, "too early"), 10_150, false, Some(10_150)),
        (code(10_100, "first"), 10_100, false, Some(10_100)),
        (code(10_200, "last"), 10_200, false, Some(10_200)),
        (code(10_099, "outside"), 10_016, false, Some(10_016)),
        (code(10_201, "outside"), 10_016, false, Some(10_016)),
        (code(3, "unknown"), 10_016, false, Some(10_016)),
        (code(-1, "unknown"), 10_016, false, Some(10_016)),
        (Answers::Raw(500, b"{\"ErrorCode\":1}".to_vec()), 0, true, None),
        (Answers::Raw(302, vec![]), 0, true, None),
        (Answers::Raw(200, b"ok".to_vec()), 0, true, None),
        (Answers::Raw(200, vec![]), 0, true, None),
        (Answers::Raw(200, b"[1]".to_vec()), 0, true, None),
        (Answers::Raw(200, b"{\"ErrorCode\":\"1\"}".to_vec()), 10016, false, Some(10016)),
        (Answers::Raw(200, b"{\"ErrorCode\":null}".to_vec()), 0, true, None),
        (Answers::Raw(200, vec![b'x'; 1024 * 1024]), 0, true, None),
        (Answers::Raw(200, format!("{{\"ErrorCode\":1,\"x\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes()), 0, true, None),
    ]
    .into_iter()
    .enumerate()
    {
        let case = format!("{answer:.80?}");
        business.forget();
        says(&business, ASKED, answer);
        let text = format!("m{n}");
        let (got, info) = send(&api, SEND, &saying("g1", "owner", &text));
        assert_eq!(got, expected, "{case}: {info}");
        if expected >= 10_100 && failed.is_some() {
            assert!(["too early", "first", "last"].contains(&&*info), "{case}: what the business says is told: {info}");
        }
        world.server.settle();
        let told: Vec<String> = business.told(TOLD).iter().map(|told| told.body["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap().to_owned()).collect();
        let failures: Vec<i64> = business.told(FAILED).iter().map(|told| told.body["ErrorCode"].as_i64().unwrap()).collect();
        let expected_texts = if heard_of { vec![text] } else { vec![] };
        assert_eq!((heard(&mut u1), told), (expected_texts.clone(), expected_texts), "{case}");
        assert_eq!(failures, failed.into_iter().collect::<Vec<_>>(), "{case}");
        said += usize::from(heard_of);
    }
    assert_eq!(api.group_info("g1")["NextMsgSeq"], said + 1, "what was not said takes no number");
}

#[test]
fn without_an_answer_the_setting_decides() {
    let (world, api, business) = world();
    let mut u1 = world.member("u1", "g1");
    let rounds = [("deliver", 0, true), ("refuse", 80003, false)];
    for (setting, expected, delivered) in rounds {
        world.chat(json!({"on_silence": setting}));
        for (n, answer) in [Answers::Nothing, Answers::Raw(500, vec![]), Answers::Raw(200, b"garbage".to_vec()), Answers::Raw(200, vec![b' '; 1024 * 1024])]
            .into_iter()
            .enumerate()
        {
            let hangs = matches!(answer, Answers::Nothing);
            says(&business, ASKED, answer);
            let text = format!("{setting} {n}");
            let body = saying("g1", "owner", &text);
            let call = || send(&api, SEND, &body);
            let (got, info) = if hangs { while_silent(&world, &business, ASKED, call) } else { call() };
            assert_eq!(got, expected, "{setting} {n}: {info}");
            assert_eq!(heard(&mut u1), if delivered { vec![text] } else { vec![] }, "{setting} {n}");
        }
    }
    // Nobody listens there at all.
    world.tells(&Business::start(), &BEFORE);
    let gone = json!({"url": "http://127.0.0.1:9/chat", "commands": BEFORE, "token": "", "token_enabled": false});
    let answer = operator(world.server.running().control, world.server.folder.path(), "PUT", &format!("apps/{}/webhooks", world.app.id), &gone.to_string());
    assert_eq!(answer.status, 200);
    assert_eq!(send(&api, SEND, &saying("g1", "owner", "x")).0, 80003);
    world.chat(json!({"on_silence": "deliver"}));
    assert_eq!(send(&api, SEND, &saying("g1", "owner", "x")).0, 0);
}

#[test]
fn what_the_business_writes_instead_is_what_everybody_reads() {
    let (world, api, business) = world();
    let mut u1 = world.member("u1", "g1");
    let other = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "***"}}, {"MsgType": "TIMFaceElem", "MsgContent": {"Index": 1, "Data": ""}}]);
    for (answer, elements, custom) in [
        (json!({"ErrorCode": 0, "MsgBody": other, "CloudCustomData": "theirs"}), other.clone(), "theirs"),
        (json!({"ErrorCode": 0, "MsgBody": other}), other.clone(), "mine"),
        (json!({"ErrorCode": 0, "CloudCustomData": "theirs"}), text_body("damn"), "theirs"),
        // What is no MsgBody is no other message.
        (json!({"ErrorCode": 0, "MsgBody": []}), text_body("damn"), "mine"),
        (json!({"ErrorCode": 0, "MsgBody": "***"}), text_body("damn"), "mine"),
        (json!({"ErrorCode": 0, "MsgBody": [{"MsgType": "TIMNoElem", "MsgContent": {}}]}), text_body("damn"), "mine"),
    ] {
        business.forget();
        says(&business, ASKED, Answers::Json(answer.clone()));
        let mut body = saying("g1", "owner", "damn");
        body["CloudCustomData"] = "mine".into();
        let seq = api.group("send_group_msg", body)["MsgSeq"].clone();
        let data = u1.heard().iter().find_map(|push| push["pub"]["data"].get("body").and(Some(push["pub"]["data"].clone()))).expect("it is heard");
        assert_eq!((&data["elems"], &data["custom"]), (&elements, &json!(custom)), "{answer}");
        let told = business.await_told(TOLD, 1)[0].body.clone();
        assert_eq!((&told["MsgBody"], &told["CloudCustomData"], &told["MsgSeq"]), (&elements, &json!(custom), &seq), "{answer}");
        let kept = api.group("group_msg_get_simple", json!({"GroupId": "g1", "ReqMsgNumber": 1}))["RspMsgList"][0].clone();
        assert_eq!((&kept["MsgBody"], &kept["CloudCustomData"]), (&elements, &json!(custom)), "{answer}");
    }
}

#[test]
fn a_call_may_leave_out_each_of_the_hooks_alone() {
    let (world, api, business) = world();
    for (forbid, asked, told) in [
        (&[][..], 1, 1),
        (&["ForbidBeforeSendMsgCallback"], 0, 1),
        (&["ForbidAfterSendMsgCallback"], 1, 0),
        (&["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"], 0, 0),
    ] {
        business.forget();
        let mut body = saying("g1", "owner", "x");
        body["ForbidCallbackControl"] = json!(forbid);
        api.group("send_group_msg", body);
        let mut direct = json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": 1, "MsgBody": text_body("x")});
        direct["ForbidCallbackControl"] = json!(forbid);
        api.c2c("sendmsg", direct);
        world.server.settle();
        for (before, after) in [(ASKED, TOLD), ("C2C.CallbackBeforeSendMsg", "C2C.CallbackAfterSendMsg")] {
            assert_eq!((business.told(before).len(), business.told(after).len()), (asked, told), "{before} {forbid:?}");
        }
    }
    // Of a failure there is no leaving out.
    business.forget();
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["u1"], "MuteTime": 60}));
    let mut body = saying("g1", "u1", "x");
    body["ForbidCallbackControl"] = json!(["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]);
    assert_eq!(api.group_fails("send_group_msg", body), 10017);
    business.await_told(FAILED, 1);
}

#[test]
fn what_a_client_says_is_asked_about_as_well_and_keeps_its_order() {
    let (world, _api, business) = world();
    let (mut u1, mut owner) = (world.by_usersig("u1", "web"), world.member("owner", "g1"));
    u1.join("g1");
    let publish = |text: &str| json!({"channel": "group:g1", "data": {"body": text}});
    business.says(|body| match body["MsgBody"][0]["MsgContent"]["Text"].as_str() {
        Some("slow") => Answers::Nothing,
        Some("no") => code(1, "no"),
        Some("drop") => code(2, ""),
        _ => Answers::Proceed,
    });
    u1.ok("publish", publish("yes"));
    assert!(u1.ask("publish", publish("no")).get("error").is_some());
    u1.ok("publish", publish("drop"));
    let (slow, next) = (u1.say("publish", publish("slow")), u1.say("publish", publish("next")));
    business.await_told(ASKED, 5);
    owner.tell("g1", "mine");
    world.advance(2 * SECOND);
    assert!(u1.reply(slow).get("publish").is_some() && u1.reply(next).get("publish").is_some());
    assert_eq!(heard(&mut owner), ["yes", "mine", "slow", "next"]);
    let asked = business.told(ASKED);
    assert_eq!((asked[0].param("OptPlatform"), &asked[0].body["From_Account"], &asked[0].body["Operator_Account"]), (Some("Web"), &json!("u1"), &json!("u1")));
    // One to another.
    assert!(u1.ask("rpc", json!({"method": "user.send", "data": {"user": "owner", "body": "no"}})).get("error").is_some());
    u1.ok("rpc", json!({"method": "user.send", "data": {"user": "owner", "body": "yes"}}));
}

#[test]
fn a_message_from_one_to_another_has_codes_of_its_own() {
    let (world, api, business) = world();
    let word = "C2C.CallbackBeforeSendMsg";
    let mut u1 = world.on("u1");
    for (n, (answer, expected, delivered)) in [
        (code(0, ""), 0, true),
        (code(1, "no"), 20006, false),
        (code(2, ""), 0, false),
        (code(120_001, "first"), 120_001, false),
        (code(130_000, "last"), 130_000, false),
        (code(120_000, "outside"), 20_006, false),
        (code(10_150, "of groups"), 20_006, false),
        (Answers::Raw(500, vec![]), 0, true),
    ]
    .into_iter()
    .enumerate()
    {
        business.forget();
        says(&business, word, answer.clone());
        let body = json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": n, "MsgBody": text_body(&format!("m{n}"))});
        let (got, info) = send(&api, "openim/sendmsg", &body);
        assert_eq!(got, expected, "{answer:?}: {info}");
        let heard: Vec<String> = u1.heard().iter().filter_map(|push| Some(push["message"]["data"]["body"].as_str()?.to_owned())).collect();
        assert_eq!(heard, if delivered { vec![format!("m{n}")] } else { vec![] }, "{answer:?}");
        world.server.settle();
        let results: Vec<i64> = business.told("C2C.CallbackAfterSendMsg").iter().map(|told| told.body["SendMsgResult"].as_i64().unwrap()).collect();
        // Of what the business itself did not want it is not told.
        let told = if delivered { vec![expected] } else { vec![] };
        assert_eq!(results, told, "{answer:?}");
    }
    says(&business, word, Answers::Json(json!({"ErrorCode": 0, "MsgBody": text_body("instead"), "CloudCustomData": "c"})));
    api.c2c("sendmsg", json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": 77, "MsgBody": text_body("damn")}));
    let data = u1.push()["message"]["data"].clone();
    assert_eq!((&data["body"], &data["custom"]), (&json!("instead"), &json!("c")));
    world.chat(json!({"on_silence": "refuse"}));
    says(&business, word, Answers::Nothing);
    let body = json!({"From_Account": "owner", "To_Account": "u1", "MsgRandom": 78, "MsgBody": text_body("x")});
    assert_eq!(while_silent(&world, &business, word, || send(&api, "openim/sendmsg", &body)).0, 80003);
}

#[test]
fn groups_and_those_who_want_in_are_asked_about() {
    let (world, api, business) = world();
    api.import(&["m1", "m2", "m3"]);
    let create = |id: &str| {
        let body = json!({"GroupId": id, "Type": "Public", "Name": "n", "Owner_Account": "owner", "MemberList": [{"Member_Account": "m1"}]});
        send(&api, "group_open_http_svc/create_group", &body).0
    };
    let word = "Group.CallbackBeforeCreateGroup";
    for (n, (answer, expected)) in [
        (code(0, ""), 0),
        (code(1, ""), 10016),
        (code(10_123, ""), 10_123),
        (code(2, ""), 10016),
        (Answers::Raw(500, vec![]), 0),
        (Answers::Raw(200, b"garbage".to_vec()), 0),
    ]
    .into_iter()
    .enumerate()
    {
        says(&business, word, answer.clone());
        let id = format!("made-{n}");
        assert_eq!(create(&id), expected, "{answer:?}");
        assert_eq!(api.group_info(&id)["ErrorCode"] == 0, expected == 0, "{answer:?}");
    }
    says(&business, word, Answers::Nothing);
    assert_eq!(while_silent(&world, &business, word, || (create("late"), String::new())).0, 0, "without an answer it is made");
    let unknown = json!({"Type": "Public", "Name": "n", "Owner_Account": "nobody"});
    let asked = business.told(word);
    assert_eq!(send(&api, "group_open_http_svc/create_group", &unknown).0, 10019);
    assert_eq!(business.told(word).len(), asked.len(), "what cannot be made anyway is not asked about");
    let numbers: Vec<u64> = asked.iter().map(|told| told.body["CreateGroupNum"].as_u64().unwrap()).collect();
    assert_eq!(numbers[0], 1, "{numbers:?}: g1 is the owner's already");

    let word = "Group.CallbackBeforeInviteJoinGroup";
    let add = |users: &[&str]| {
        let list: Vec<Value> = users.iter().map(|user| json!({"Member_Account": user})).collect();
        let answer = api.post("group_open_http_svc/add_group_member", &json!({"GroupId": "g1", "MemberList": list})).send();
        let results: Vec<i64> = answer.body["MemberList"].as_array().into_iter().flatten().map(|one| one["Result"].as_i64().unwrap()).collect();
        (crate::harness::code(&answer), results)
    };
    says(&business, word, code(1, ""));
    assert_eq!(add(&["m1", "m2"]).0, 10016);
    says(&business, word, code(10_124, ""));
    assert_eq!(add(&["m1", "m2"]).0, 10_124);
    says(&business, word, Answers::Json(json!({"ErrorCode": 0, "RefusedMembers_Account": ["m2", "nobody"]})));
    assert_eq!(add(&["m1", "m2", "stranger", "m3"]), (0, vec![1, 0, 0, 1]));
    assert_eq!(api.members("g1").len(), 4);
    let asked = business.told(word).pop().unwrap().body;
    assert_eq!(asked["DestinationMembers"], json!([{"Member_Account": "m1"}, {"Member_Account": "m2"}, {"Member_Account": "m3"}]), "there is no stranger");
    assert_eq!(add(&["stranger", "m1"]), (0, vec![0, 2]));
    assert_eq!(business.told(word).len(), 3, "nobody new to be asked about");

    let word = "Group.CallbackBeforeApplyJoinGroup";
    api.make("open", "Meeting", &["owner"]);
    let apply = |user: &str| world.on(user).ask("subscribe", json!({"channel": "group:open"})).get("subscribe").is_some();
    for (user, answer, comes) in
        [("m1", code(1, ""), false), ("m1", code(10_125, ""), false), ("m1", code(0, ""), true), ("m2", Answers::Raw(404, vec![]), true)]
    {
        says(&business, word, answer.clone());
        assert_eq!(apply(user), comes, "{user} {answer:?}");
    }
    says(&business, word, code(1, ""));
    assert!(apply("m1"), "a member is not asked about again");
    assert_eq!(api.members("open").len(), 3);
}

#[test]
fn who_asks_first_and_who_last() {
    let world = World::with(|settings| settings.rules.quotas.group_messages_per_second = 2);
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1"]);
    let business = Business::start();
    world.tells(&business, &[&AFTER[..], &BEFORE[..]].concat());
    let asked = || business.told(ASKED).len();
    let failed = || business.told(FAILED).iter().map(|told| told.body["ErrorCode"].as_i64().unwrap()).collect::<Vec<_>>();
    // What cannot be said anyway is not asked about.
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["u1"], "MuteTime": 60}));
    assert_eq!(api.group_fails("send_group_msg", saying("g1", "u1", "x")), 10017);
    assert_eq!(api.group_fails("send_group_msg", saying("none", "owner", "x")), 10015);
    world.server.settle();
    let mut codes = failed();
    codes.sort();
    assert_eq!((asked(), codes), (0, vec![10015, 10017]));
    // One beyond the limit was asked about and is not told as said.
    for _ in 0..3 {
        api.say("g1", "owner", "x");
    }
    world.server.settle();
    assert_eq!((asked(), business.told(TOLD).len(), failed().last().copied()), (3, 2, Some(10023)));
    // What the business refuses is told as a failure only if it wants to hear of it.
    world.advance(SECOND);
    says(&business, ASKED, code(1, ""));
    for (setting, more) in [(true, 1), (false, 0)] {
        world.chat(json!({"tell_refused": setting}));
        let before = failed().len();
        assert_eq!(api.group_fails("send_group_msg", saying("g1", "owner", "x")), 10016);
        world.server.settle();
        assert_eq!(failed().len(), before + more, "{setting}");
    }
    // A repeat is neither asked about nor told.
    business.says(|_| Answers::Proceed);
    let body = saying("g1", "owner", "once");
    api.group("send_group_msg", body.clone());
    world.server.settle();
    let before = (asked(), business.told(TOLD).len());
    api.group("send_group_msg", body);
    world.server.settle();
    assert_eq!((asked(), business.told(TOLD).len()), before);
}

#[test]
fn the_question_goes_to_the_live_rooms_url_where_the_chats_does_not_want_it() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["host"]);
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "host"}}));
    let (live, chat) = (Business::start(), Business::start());
    api.ok("live_config/set_callback", json!({"Url": live.url(), "CallbackCommandList": [ASKED, TOLD]}));
    api.ok("live_config/set_callback_token", json!({"Token": "a token of the chat", "IsTokenEnable": true}));
    let say = || api.live("send_text_msg", json!({"RoomId": "r1", "Sender_Account": "host", "TextContent": "hi"}));
    let came = |business: &Business| {
        world.server.settle();
        let came = (business.told(ASKED).len(), business.told(TOLD).len());
        business.forget();
        came
    };
    say();
    assert_eq!((came(&live), came(&chat)), ((1, 1), (0, 0)));
    world.tells(&chat, &[TOLD]);
    say();
    assert_eq!((came(&live), came(&chat)), ((1, 0), (0, 1)), "each once");
    world.tells(&chat, &[ASKED, TOLD]);
    say();
    assert_eq!((came(&live), came(&chat)), ((0, 0), (1, 1)));
    world.tells(&chat, &[]);
    say();
    assert_eq!((came(&live), came(&chat)), ((1, 1), (0, 0)));
}

/// As with moderation: within twice of what it is without the hang, measured in one run, quiet and hanging rounds by turns.
#[test]
fn a_business_that_hangs_slows_no_other_group_down() {
    let business = Business::start();
    business.says(|_| Answers::Nothing);
    let folder = Folder::new();
    let data = folder.join("data");
    let env = [("ROOMD_LIMITS_CONTROL_QPS", "false"), ("ROOMD_LIMITS_SESSION_COMMANDS_PER_SECOND", "0"), ("ROOMD_LIMITS_GROUP_MESSAGES_PER_SECOND", "0")];
    let process = Process::start(&data, &env);
    let api = process.api();
    let (hangs, free) = (api.app("http://127.0.0.1:1/"), api.app("http://127.0.0.1:1/"));
    for app in [&hangs, &free] {
        api.group(app, "g1");
        api.ok("ModifyLiveMessageAppCallback", &[("AppId", &app.id)]);
    }
    let put = operator(process.control, &data, "PUT", &format!("apps/{}/webhooks", hangs.id), &business.webhooks(&[ASKED]).to_string());
    assert_eq!(put.status, 200, "{}", put.body);
    let join = |app: &App, user: &str| {
        let mut client = Client::login(process.sessions, &app.login(user, wall().seconds() + 600, ""), "d");
        client.join("g1");
        client
    };
    let mut writer = join(&free, "writer");
    let mut senders: Vec<Client> = (0..40).map(|n| join(&hangs, &format!("s{n}"))).collect();
    let (mut quiet, mut hanging) = (Vec::new(), Vec::new());
    for round in 0..5 {
        quiet.push(p99(&mut writer, "g1", 300));
        let waiting: Vec<u32> =
            senders.iter_mut().flat_map(|s| (0..8).map(|_| s.say("publish", json!({"channel": "group:g1", "data": "?"}))).collect::<Vec<_>>()).collect();
        crate::harness::eventually("it is asked", || business.told(ASKED).len() > round);
        hanging.push(p99(&mut writer, "g1", 300));
        // They are let through, and all is quiet again.
        for (sender, ids) in senders.iter_mut().zip(waiting.chunks(8)) {
            for id in ids {
                sender.reply(*id);
            }
            sender.heard();
        }
    }
    quiet.sort();
    hanging.sort();
    let (quiet, hanging) = (quiet[2], hanging[2]);
    println!("p99 of a publish elsewhere: {quiet:?} without and {hanging:?} with a business that hangs");
    assert!(hanging <= quiet * 2 + Duration::from_millis(10), "{quiet:?} without and {hanging:?} with a business that hangs");
}
