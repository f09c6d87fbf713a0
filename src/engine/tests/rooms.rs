//! Live rooms by chance: made, ended, made anew, with members that come, go, are lost and return, while commits
//! fail and the machine dies. Memory is always what a reload gives, and of each member is told by turns.

use super::*;
use crate::domain::{
    app::{AppChange, Webhook},
    event::{OfflineCause, OnlineCause},
    kind::{GroupKind, MemberChange, NewMember},
    message::Sender,
    mute::{MuteChange, Until},
    sending::Voice,
};
use std::collections::BTreeMap;

/// Numbers by chance, the same ones at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

fn render(event: &Event, app: &App) -> Vec<Rendered> {
    let Event::Group(event) = event else { return Vec::new() };
    let of = |payload: String| Rendered { endpoint: EndpointId::LiveRooms(app.id.clone()), subject: event.group.id.to_string(), payload };
    let payload = match &event.what {
        InGroup::Created { members } => return std::iter::once("made".into()).chain(members.iter().map(|user| format!("{user} member +in"))).map(of).collect(),
        InGroup::Joined { users, .. } => return users.iter().map(|user| of(format!("{user} member +in"))).collect(),
        InGroup::Left { users, .. } => return users.iter().map(|user| of(format!("{user} member -out"))).collect(),
        InGroup::Deleted { .. } => "ended".into(),
        InGroup::Online { user, cause } => format!("{user} +{}", if *cause == OnlineCause::Entered { "enter" } else { "recover" }),
        InGroup::Offline { user, cause } => format!("{user} -{}", if *cause == OfflineCause::Interrupted { "interrupt" } else { "leave" }),
        _ => return Vec::new(),
    };
    vec![of(payload)]
}

struct Play {
    b: Bench,
    /// Sessions by the slot of their connection.
    sids: BTreeMap<u32, SessionId>,
    /// What was last told of each user in each room.
    told: BTreeMap<String, BTreeMap<String, String>>,
    /// All that was done and told.
    log: Vec<String>,
}

impl Play {
    /// The whole of memory, and of what a reload would give.
    fn all(&self) -> (String, String) {
        let of = |state: &State| {
            let names: Vec<_> = ["r0", "r1", "r2", "g1"].map(|n| state.group_named(&app(), &GroupId::trusted(n)).map(|g| g.config.gid)).into();
            let revoked: BTreeMap<String, i64> = state.revoked.get(&app()).into_iter().flatten().map(|(u, at)| (u.to_string(), *at)).collect();
            let mut surplus = state.surplus_deleted(&app(), 1);
            surplus.sort();
            let mut links: Vec<_> = state.sessions.keys().map(|sid| sid.to_string()).collect();
            links.sort();
            format!("{:#?} {names:?} {revoked:?} {} {surplus:?} {links:?} {}", Seen::of(state), state.live_groups(&app()), state.groups_in(&app()).count())
        };
        (of(&self.b.engine.core.state), of(&self.b.engine.core.store.load().unwrap()))
    }

    /// Takes all that is sent, and holds it against what was told before.
    fn deliver(&mut self) {
        loop {
            let jobs = std::mem::take(&mut *self.b.jobs.lock().unwrap());
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                let text = String::from_utf8(job.body.to_vec()).unwrap();
                let (room, what) = text.split_once('|').unwrap();
                self.log.push(text.clone());
                let users = self.told.entry(room.into()).or_default();
                match what {
                    "made" => assert!(users.is_empty(), "made: {users:?} {:?}", self.log),
                    "ended" => users.clear(),
                    what => {
                        // Of a live room's member both are told: that it is there, and that it is one.
                        let (user, now) = what.rsplit_once(' ').unwrap();
                        let was = users.get(user).cloned().unwrap_or("-".into());
                        assert_ne!(was.as_bytes()[0], now.as_bytes()[0], "{text}: {:#?}", self.log);
                        if now == "+recover" {
                            assert_eq!(was, "-interrupt", "{text}: {:#?}", self.log);
                        }
                        users.insert(user.into(), now.into());
                    }
                }
                let attempt = Attempt { at: Millis(0), url: "u".into(), result: Ok(200), took_ms: 1, answer: vec![] };
                self.b.batch(vec![Command::Outcome(Box::new(Outcome { delivery: job.delivery, endpoint: job.endpoint, attempt, end: TryEnd::Delivered }))]);
            }
        }
    }

    /// With what is told of rooms, as a word each.
    fn open(folder: &Folder) -> Bench {
        let mut b = Bench::open(&folder.0);
        let ports = b.engine.ports.as_mut().unwrap();
        ports.render = render;
        ports.freeze = Box::new(|f| Frozen { query: String::new(), body: f.events.iter().map(|(s, p)| format!("{s}|{p}")).collect::<String>().into_bytes() });
        b
    }

    /// Anything that may be asked.
    fn command(&mut self, dice: &mut Dice) -> Command {
        let room = GroupId::trusted(&format!("r{}", dice.roll(3)));
        let user = UserId::trusted(&format!("u{}", dice.roll(4)));
        let now = self.b.engine.core.clock.now().0;
        let ask = |request: Request| Command::Call(Box::new(request), mpsc::sync_channel(1).0);
        let group = |what| ask(Request::Group { app: app(), group: room.clone(), by: Actor::system(), what });
        let sid = {
            let n = self.sids.len().max(1) as u64;
            self.sids.values().nth(dice.roll(n) as usize).cloned().unwrap_or(SessionId::trusted("none"))
        };
        let slot = self.sids.iter().find(|(_, held)| **held == sid).map_or(99, |(slot, _)| *slot);
        let socket = |b: &mut Bench, op| Command::Socket(b.command(slot, op));
        let mut ids = |n: u64| (0..=dice.roll(n)).map(|_| UserId::trusted(&format!("u{}", dice.roll(4)))).collect::<Vec<_>>();
        let users = ids(3);
        match dice.roll(36) {
            0..=2 => group(GroupRequest::Create(Box::new(NewGroup { anew: dice.roll(4) > 0, owner: "u9".into(), ..NewGroup::default() }))),
            3 | 4 => group(GroupRequest::Delete),
            5 => group(GroupRequest::Recover),
            6 => group(GroupRequest::Ban { users: vec![user], until: if dice.roll(2) == 0 { Until::Forever } else { Until::At(Millis(now + 5_000)) } }),
            7 | 8 => group(GroupRequest::Unban { users: vec![user] }),
            9 => group(GroupRequest::PutOut { users: vec![user] }),
            10 => group(GroupRequest::ChangeMutes(MuteChange::MuteUntil(vec![user], Millis(now + 3_000)))),
            11 => group(GroupRequest::SetMetadata(vec![(user.to_string(), now.to_string())])),
            12 => ask(Request::Revoke { app: app(), user }),
            13 => group(GroupRequest::ChangeOwner { user }),
            14 => group(GroupRequest::ChangeAdmins { users: vec![user], add: dice.roll(2) == 0, most: 3 }),
            15 => {
                let sender = Sender { user, info: String::new(), client: None };
                ask(Request::Send { app: app(), group: room, sender, voice: Voice::User, by: Actor::system(), draft: Box::new(Draft::text("t")) })
            }
            16..=18 => {
                let next = self.sids.keys().max().map_or(0, |n| n + 1);
                let device = format!("d{}", dice.roll(3).min(1));
                let login = Login { app: app(), user, role: String::new(), device, info: String::new(), address: None, made: None };
                Command::Socket(self.b.command(next, SocketOp::Connect(Box::new(login))))
            }
            19..=22 => socket(&mut self.b, SocketOp::Subscribe { sid, group: room, join_leave: false, since: None }),
            23 => socket(&mut self.b, SocketOp::Ended { sid, how: SocketEnd::Goodbye }),
            24 => {
                let heard = self.b.engine.core.clock.tick();
                socket(&mut self.b, SocketOp::Ended { sid, how: if dice.roll(6) == 0 { SocketEnd::Silent } else { SocketEnd::Lost { heard } } })
            }
            25 | 26 => {
                let (kind, owner) = (if dice.roll(2) == 0 { GroupKind::Meeting } else { GroupKind::Work }, user.to_string());
                let members = users.into_iter().map(|user| NewMember { user, admin: dice.roll(2) == 0, data: BTreeMap::new() }).collect();
                group(GroupRequest::Create(Box::new(NewGroup { anew: true, kind, owner, members, ..NewGroup::default() })))
            }
            27 => ask(Request::ImportAccounts {
                app: app(),
                accounts: users.into_iter().map(|user| Account { user, nick: String::new(), face_url: now.to_string() }).collect(),
            }),
            28 => ask(Request::DeleteAccounts { app: app(), users, by: Actor::system() }),
            29 | 30 => group(GroupRequest::AddMembers {
                members: users.into_iter().map(|user| NewMember { user, admin: false, data: [("k".into(), now.to_string())].into() }).collect(),
            }),
            31 => group(GroupRequest::PutOut { users }),
            32 => {
                let change = MemberChange { admin: Some(dice.roll(2) == 0), name_card: Some(now.to_string()), ..MemberChange::default() };
                group(GroupRequest::ChangeMember { user, change: Box::new(change) })
            }
            33 => socket(&mut self.b, SocketOp::Group { sid, group: room, what: Box::new(GroupRequest::Quit) }),
            34 => socket(&mut self.b, SocketOp::Publish { sid, group: room, draft: Box::new(Draft::text("t")) }),
            _ => {
                if dice.roll(3) == 0 {
                    ask(Request::ChangeApp { app: app(), change: AppChange::Disabled(dice.roll(3) == 0) })
                } else {
                    socket(&mut self.b, SocketOp::Unsubscribe { sid, from: crate::domain::Named::Group(room) })
                }
            }
        }
    }
}

#[test]
fn memory_is_what_a_reload_gives_and_members_come_and_go_by_turns() {
    for seed in [1_u64, 2] {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let folder = Folder::new();
        let mut b = Play::open(&folder);
        b.ask(new_app()).unwrap();
        b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
        b.ask(Request::ChangeApp { app: app(), change: AppChange::CreateLiveWebhook(Webhook { url: "http://a.example.com/".into(), words: vec![] }) }).unwrap();
        let mut play = Play { b, sids: BTreeMap::new(), told: BTreeMap::new(), log: vec![] };
        for _ in 0..130 {
            let commands: Vec<Command> = (0..=dice.roll(4)).map(|_| play.command(&mut dice)).collect();
            let fails = dice.roll(6) == 0;
            let before = play.all();
            assert_eq!(before.0, before.1, "seed {seed}");
            play.b.failing.store(fails, Ordering::SeqCst);
            play.b.pushes.lock().unwrap().clear();
            for c in &commands {
                if let Command::Socket(c) = c {
                    play.log.push(format!("   {:?} {:?}", c.conn, c.op));
                } else if let Command::Call(r, _) = c {
                    play.log.push(format!("   {r:?}"));
                }
            }
            play.b.batch(commands);
            play.b.failing.store(false, Ordering::SeqCst);
            let pushes = std::mem::take(&mut *play.b.pushes.lock().unwrap());
            for push in pushes {
                match push {
                    Push::Reply { conn, reply: Reply::Connected(c), .. } => drop(play.sids.insert(conn.slot, c.sid)),
                    Push::Close { conn, .. } => drop(play.sids.remove(&conn.slot)),
                    _ => {}
                }
            }
            if fails {
                let after = play.all();
                assert_eq!(after.0, before.0, "seed {seed}: memory of a lost batch");
                assert_eq!(after.1, before.0, "seed {seed}: store of a lost batch");
            }
            play.deliver();
            if dice.roll(4) == 0 {
                let ms = [100, 1_000, 2_500, 20_000, 60_000, 91_000][dice.roll(6) as usize];
                play.log.push(format!("   +{ms}"));
                // In steps: a timer is never late.
                for _ in 0..10 {
                    play.b.engine.core.clock.advance(ms / 10).unwrap();
                    play.b.failing.store(dice.roll(12) == 0, Ordering::SeqCst);
                    play.b.batch(vec![]);
                    play.b.failing.store(false, Ordering::SeqCst);
                }
                play.b.engine.core.clock.advance(300).unwrap();
                play.b.batch(vec![]);
                play.deliver();
            }
            if dice.roll(25) == 0 {
                play.log.push("   RESTART".into());
                play.deliver();
                let Play { b, told, log, .. } = play;
                drop(b);
                let mut b = Play::open(&folder);
                // A start makes other ids than the last one.
                b.engine.core.ids = Ids::seeded(dice.roll(1 << 40));
                b.engine.timers.at(b.engine.core.clock.tick(), Timer::Pump);
                b.batch(vec![]);
                play = Play { b, sids: BTreeMap::new(), told, log };
                play.deliver();
            }
        }
    }
}
