//! A consumer that does not keep up pays for it alone (`session.md` §7).

use crate::harness::{Client, World};
use serde_json::{Value, json};

fn say(client: &mut Client, n: usize, data: impl Fn(usize) -> Value) {
    // A window at a time, as a client would.
    for chunk in (0..n).collect::<Vec<_>>().chunks(16) {
        let ids: Vec<u32> = chunk.iter().map(|n| client.say("publish", json!({"channel": "group:g1", "data": data(*n)}))).collect();
        for id in ids {
            assert!(client.reply(id).get("publish").is_some());
        }
    }
}

#[test]
fn a_slow_consumer_is_closed_with_3008_and_nobody_else_misses_anything() {
    let world = World::of(&["g1"]);
    let mut slow = world.member("slow", "g1");
    let mut keen = world.member("keen", "g1");
    slow.stop_reading();
    let long = "x".repeat(14_000);
    // More than both ends of a socket hold, and the connection's own budget on top.
    let n = 1_200;
    say(&mut keen, n, |n| json!({"body": format!("{n} {long}"), "weight": 5, "no_storage": true}));
    let heard = keen.bodies();
    assert_eq!(heard.len(), n);
    assert!(heard.iter().enumerate().all(|(n, body)| body.starts_with(&format!("{n} "))), "in order");
    slow.read_on();
    assert_eq!(slow.closed(), (3008, "slow".into()));
    // It comes back, resumes, and is told what it missed.
    let mut back = world.on("slow");
    assert!(back.resumed());
    back.join("g1");
    world.told(&["slow on", "slow join g1", "keen on", "keen join g1", "slow back g1"]);
}

#[test]
fn a_slow_consumer_goes_without_likes_before_it_is_closed() {
    let world = World::of(&["g1"]);
    let mut slow = world.member("slow", "g1");
    let mut keen = world.member("keen", "g1");
    slow.heard();
    slow.stop_reading();
    let long = "x".repeat(14_000);
    let n = 1_500;
    say(&mut keen, n, |n| json!({"body": format!("{n} {long}"), "weight": 1, "no_storage": true, "no_cache": true}));
    assert_eq!(keen.bodies().len(), n);
    keen.tell("g1", json!({"body": "a gift", "level": "HIGH"}));
    slow.read_on();
    let mut likes = 0;
    while slow.hear() != "a gift" {
        likes += 1;
    }
    assert!(likes < n, "some likes were dropped, and the gift came");
    assert_eq!(slow.code("rpc", json!({"method": "x"})), 104, "it was not closed");
}

#[test]
fn a_burst_over_the_budget_hurts_nobody_who_reads() {
    let world = World::of(&["g1"]);
    let mut members: Vec<Client> = (0..3).map(|n| world.member(&format!("u{n}"), "g1")).collect();
    let long = "x".repeat(15_000);
    let line = |id: u32| json!({"id": id, "publish": {"channel": "group:g1", "data": {"body": long, "no_storage": true, "no_cache": true, "weight": 9}}});
    // 2 MiB said at once by each of two.
    for client in &members[..2] {
        for frame in 0..35 {
            let lines: Vec<String> = (0..4).map(|n| line(1_000 + frame * 4 + n).to_string()).collect();
            client.text(&lines.join("\n"));
        }
    }
    let heard = |client: &mut Client| (0..280).all(|_| client.hear().len() == 15_000);
    assert!(heard(&mut members[2]), "the one who only listens heard all");
    for client in &mut members[..2] {
        client.await_pushes(280);
    }
}

#[test]
fn a_closed_socket_in_the_middle_of_a_fan_out_changes_nothing_for_the_others() {
    let world = World::of(&["g1"]);
    let mut members: Vec<Client> = (0..20).map(|n| world.member(&format!("u{n}"), "g1")).collect();
    let mut speaker = members.pop().unwrap();
    for n in 0..50 {
        speaker.tell("g1", n);
        if n % 5 == 4 {
            // Now and then one goes, in one way or another.
            let gone = members.remove(n % members.len());
            match n % 3 {
                0 => gone.reset(),
                1 => gone.vanish(),
                _ => gone.close(1001),
            }
        }
    }
    let expected: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    for client in members.iter_mut().chain([&mut speaker]) {
        let heard: Vec<String> = client.bodies().into_iter().filter(|body| body != "?").collect();
        assert_eq!(heard, expected);
    }
}
