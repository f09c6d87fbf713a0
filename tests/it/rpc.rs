//! What a client asks by name, and what others then see (`session.md` §3, §5, §6).

use crate::harness::{Client, World};
use roomd::domain::{
    AppId, UserId,
    direct::DirectDraft,
    message::{Draft, Sender},
    request::{Answer, Request},
};
use serde_json::{Value, json};

/// The answer to a call that must succeed.
fn call(client: &mut Client, method: &str, data: Value) -> Value {
    client.ok("rpc", json!({"method": method, "data": data}))["data"].clone()
}

/// The code of one that must fail.
fn fails(client: &mut Client, method: &str, data: Value) -> u64 {
    client.code("rpc", json!({"method": method, "data": data}))
}

/// The next push: its event and its data.
fn event(client: &mut Client) -> (String, Value) {
    let push = client.push();
    assert!(push["pub"].get("offset").is_none() && push["pub"]["time"].is_i64(), "{push}");
    (push["pub"]["tags"]["event"].as_str().unwrap_or_else(|| panic!("an event was awaited, and came {push}")).to_owned(), push["pub"]["data"].clone())
}

/// `boss` has the role in which groups are made, has made `g1` and is in it.
fn boss(world: &World) -> Client {
    let login = world.app.login("boss", world.seconds() + 86_400, "admin");
    let mut boss = Client::login(world.server.running().sessions, &login, "d");
    let made = json!({"group_id": "g1", "already_exists": false, "already_deleted": false});
    assert_eq!(call(&mut boss, "group.create", json!({"group_id": "g1", "name": "n"})), made);
    boss.join("g1");
    boss
}

#[test]
fn a_group_is_made_changed_and_closed_by_its_creator() {
    let world = World::new();
    let mut boss = boss(&world);
    let mut u1 = world.member("u1", "g1");
    boss.heard();
    assert_eq!(fails(&mut u1, "group.create", json!({"group_id": "g2"})), 403);
    assert_eq!(call(&mut boss, "group.create", json!({"group_id": "g1"}))["already_exists"], true);
    assert_eq!(call(&mut boss, "group.modify", json!({"group_id": "g1", "info": "i", "admins": ["u1"]})), json!({}));
    let told = json!({"name": "n", "info": "i", "creator": "boss", "admins": ["u1"]});
    assert_eq!(event(&mut u1), ("group.info".into(), told));
    let group = call(&mut u1, "group.query", json!({"group_id": "g1"}));
    assert_eq!((&group["creator"], &group["admins"], &group["info"], &group["online"]), (&json!("boss"), &json!(["u1"]), &json!("i"), &json!(2)));
    assert_eq!(fails(&mut u1, "group.query", json!({"group_id": "no"})), 440);
    call(&mut u1, "group.close", json!({"group_id": "g1"}));
    assert_eq!(u1.push()["unsubscribe"]["code"], 2101);
    assert_eq!(fails(&mut boss, "group.query", json!({"group_id": "g1"})), 441);
}

#[test]
fn mutes_are_set_asked_for_and_told() {
    let world = World::new();
    let mut boss = boss(&world);
    let mut u1 = world.member("u1", "g1");
    let publish = json!({"channel": "group:g1", "data": "hi"});
    call(&mut boss, "group.mute", json!({"group_id": "g1", "users": ["u1"]}));
    let state = json!({"muted_all": false, "muted": ["u1"], "unmuted": []});
    assert_eq!(event(&mut u1), ("group.mute".into(), state.clone()));
    assert_eq!(call(&mut u1, "group.mutes", json!({"group_id": "g1"})), state);
    assert_eq!(u1.code("publish", publish.clone()), 442);
    assert_eq!(fails(&mut u1, "group.unmute", json!({"group_id": "g1", "users": ["u1"]})), 403);
    call(&mut boss, "group.unmute", json!({"group_id": "g1", "users": ["u1"]}));
    call(&mut boss, "group.mute_all", json!({"group_id": "g1", "except": ["u2"]}));
    assert_eq!(u1.code("publish", publish.clone()), 442);
    call(&mut boss, "group.unmute_all", json!({"group_id": "g1"}));
    u1.ok("publish", publish);
    let states: Vec<_> = (0..3).map(|_| event(&mut u1).1["muted_all"].clone()).collect();
    assert_eq!(states, [false, true, false]);
}

#[test]
fn members_and_messages_are_read_page_by_page() {
    let world = World::new();
    let mut boss = boss(&world);
    let mut others: Vec<Client> = (1..4).map(|n| world.member(&format!("u{n}"), "g1")).collect();
    for n in 0..5 {
        others[0].tell("g1", json!({"body": format!("m{n}"), "type": n % 2}));
    }
    let mut page = |method: &str, list: &str, field: &str, mut data: Value| {
        let mut all = Vec::new();
        loop {
            let answer = call(&mut boss, method, data.clone());
            all.extend(answer[list].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()));
            data["page_token"] = answer["next_page_token"].clone();
            if answer["has_more"] == false {
                return all;
            }
        }
    };
    assert_eq!(page("group.users", "users", "user", json!({"group_id": "g1", "page_size": 3})), ["boss", "u1", "u2", "u3"]);
    assert_eq!(page("group.users", "users", "user", json!({"group_id": "g1", "page_size": 1, "sort": "desc"})), ["u3", "u2", "u1", "boss"]);
    assert_eq!(page("group.messages", "messages", "body", json!({"group_id": "g1", "page_size": 2})), ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(page("group.messages", "messages", "body", json!({"group_id": "g1", "sort": 2, "type": 1})), ["m3", "m1"]);
    let now = world.seconds();
    assert_eq!(page("group.messages", "messages", "body", json!({"group_id": "g1", "begin": now, "end": now})).len(), 5);
    assert!(page("group.messages", "messages", "body", json!({"group_id": "g1", "end": now - 1})).is_empty());
    assert_eq!(fails(&mut others[0], "group.messages", json!({"group_id": "g1"})), 403);
}

#[test]
fn a_page_of_messages_ends_before_it_fills_the_connection() {
    let world = World::new();
    let mut boss = boss(&world);
    // Each quote takes two bytes on the wire.
    for _ in 0..50 {
        boss.tell("g1", json!({"body": "\"".repeat(15_000)}));
    }
    boss.heard();
    let ask = json!({"method": "group.messages", "data": {"group_id": "g1"}});
    let ids: Vec<u32> = (0..4).map(|_| boss.say("rpc", ask.clone())).collect();
    for id in ids {
        let answer = boss.reply(id)["rpc"]["data"].clone();
        let n = answer["messages"].as_array().unwrap().len();
        assert!((10..25).contains(&n) && answer["has_more"] == true, "{n} messages");
    }
}

#[test]
fn an_answer_that_would_fill_the_connection_is_refused_and_nobody_is_closed() {
    // Without their limits the lists of a group have any length.
    let world = World::with(|settings| (settings.rules.quotas.mutes_per_group, settings.rules.quotas.users_per_mute) = (0, 0));
    let mut boss = boss(&world);
    for n in 0..5 {
        let users: Vec<String> = (0..900).map(|i| format!("{:0>64}", n * 900 + i)).collect();
        call(&mut boss, "group.mute", json!({"group_id": "g1", "users": users}));
        // Too many to be pushed.
        assert_eq!(event(&mut boss), ("group.mute".into(), json!({"muted_all": false})));
    }
    assert_eq!(fails(&mut boss, "group.mutes", json!({"group_id": "g1"})), 443);
    assert_eq!(fails(&mut boss, "group.query", json!({"group_id": "g1"})), 443);
    assert_eq!(call(&mut boss, "group.users", json!({"group_id": "g1"}))["users"][0]["user"], "boss");
}

#[test]
fn a_kicked_member_is_told_and_may_come_again() {
    let world = World::new();
    let mut boss = boss(&world);
    let mut u1 = world.member("u1", "g1");
    assert_eq!(fails(&mut u1, "group.kick", json!({"group_id": "g1", "user": "boss"})), 403);
    call(&mut boss, "group.kick", json!({"group_id": "g1", "user": "u1"}));
    assert_eq!(u1.push()["unsubscribe"], json!({"code": 2102, "reason": "removed from the group"}));
    assert_eq!(fails(&mut boss, "group.kick", json!({"group_id": "g1", "user": "u1"})), 425);
    u1.join("g1");
}

#[test]
fn a_deleted_message_leaves_its_place_and_everybody_is_told() {
    let world = World::new();
    let mut boss = boss(&world);
    let (mut u1, mut u2) = (world.member("u1", "g1"), world.member("u2", "g1"));
    u1.tell("g1", json!({"body": "oh", "tid": "t1"}));
    assert_eq!(u2.hear(), "oh");
    assert_eq!(fails(&mut u2, "message.delete", json!({"group_id": "g1", "tid": "t1"})), 403);
    assert_eq!(fails(&mut boss, "message.delete", json!({"group_id": "g1", "tid": "no"})), 404);
    call(&mut boss, "message.delete", json!({"group_id": "g1", "tid": "t1"}));
    let told = json!({"tid": "t1", "seq": 1, "by": {"user": "boss", "info": "on d"}});
    assert_eq!(event(&mut u2), ("message.deleted".into(), told));
    assert_eq!(call(&mut boss, "group.messages", json!({"group_id": "g1"}))["messages"], json!([]));
}

#[test]
fn a_message_reaches_one_user_alone() {
    let world = World::new();
    let (mut u1, mut u2, mut u3) = (world.on("u1"), world.on("u2"), world.on("u3"));
    let sent = call(&mut u1, "user.send", json!({"user": "u2", "body": {"a": 1}, "type": 7, "tid": "t1"}));
    assert_eq!(sent, json!({"tid": "t1"}));
    let told = json!({"type": 7, "body": "{\"a\":1}", "tid": "t1", "sender": {"user": "u1", "info": "on d"}, "time": world.server.clock.now().0});
    assert_eq!(u2.push(), json!({"message": {"data": told}}));
    assert_eq!(u3.heard(), Vec::<Value>::new());
    assert_eq!(fails(&mut u1, "user.send", json!({"user": "nobody", "body": "hi"})), 404);
}

#[test]
fn a_reliable_message_is_done_when_the_client_has_confirmed_it() {
    let world = World::new();
    let mut u1 = world.on("u1");
    let draft = DirectDraft { receiver: UserId::trusted("u1"), draft: Draft::text("hi"), reliable: true, chat: None };
    let sender = Sender { user: UserId::trusted("server"), info: String::new(), client: None };
    let (handle, app) = (world.server.running().handle.clone(), AppId::trusted(&world.app.id));
    let sending =
        std::thread::spawn(move || handle.call(Request::SendDirect { app, sender, by: roomd::domain::request::Actor::system(), draft: Box::new(draft) }));
    let told = u1.push()["message"]["data"].clone();
    // Others' ids, and what is no id, change nothing.
    u1.text("{\"send\":{\"data\":{\"ack\":[\"no\",\"\"]}}}\n{\"send\":{\"data\":{\"ack\":[1]}}}");
    u1.heard();
    assert!(!sending.is_finished());
    u1.text(&json!({"send": {"data": {"ack": ["no", told["ack"]]}}}).to_string());
    match sending.join().unwrap() {
        Ok(Answer::Sent(said)) => assert_eq!(told["tid"], said.tid.as_str()),
        other => panic!("{other:?}"),
    }
}
