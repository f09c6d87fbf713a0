//! What the business is told of messages: those that were said, those of which there were too many, and each that was
//! refused, by whomever it came.

use super::{
    hooks::{asking, proceed, sent, told},
    *,
};
use crate::domain::{
    account::Account,
    app::{AppChange, ChatSettings, RateMode},
    direct::{Chat, DirectDraft},
    event::Fate,
    hook::HookAnswer,
    message::Sender,
    mute::MuteChange,
    request::Unsent,
    sending::Voice,
};
use std::cell::RefCell;

thread_local! {
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Takes down what would be told.
fn render(event: &Event, _: &App) -> Vec<Rendered> {
    let fate = |fate: &Fate| match fate {
        Fate::Accepted { seq, .. } => format!("accepted {}", seq.unwrap_or(0)),
        Fate::Dropped(why) => format!("{why:?}"),
        Fate::Rejected(why) => why.to_string(),
    };
    let text = match event {
        Event::Message(m) => format!("{} of {} to {}{}: {}", m.content.body, m.from, m.group, if m.kind.is_none() { "?" } else { "" }, fate(&m.fate)),
        Event::Direct(d) => format!("{} of {} to user {}: {}", d.content.body, d.from, d.to, fate(&d.fate)),
        Event::Group(GroupEvent { group, what: InGroup::Full, .. }) => format!("{} is full", group.id),
        _ => return Vec::new(),
    };
    TOLD.with_borrow_mut(|told| told.push(text));
    Vec::new()
}

fn heard() -> Vec<String> {
    TOLD.take()
}

/// A group with two members, in an application that wants to hear of messages, and to be asked about these.
fn telling(folder: &Folder, words: &str) -> (Bench, SessionId, SessionId) {
    let (mut b, u0, u1) = asking(folder, words);
    b.engine.ports.as_mut().unwrap().render = render;
    heard();
    (b, u0, u1)
}

fn shown(answer: Result<Answer, Refusal>) -> String {
    match answer {
        Ok(Answer::Sent(said)) => format!("sent {}", said.seq.unwrap_or(0)),
        Ok(Answer::Dropped { why, .. }) => format!("{why:?}"),
        Ok(other) => format!("{other:?}"),
        Err(why) => why.to_string(),
    }
}

impl Bench {
    fn in_group(&mut self, what: GroupRequest) {
        self.ask(Request::Group { app: app(), group: GroupId::trusted("g1"), by: Actor::system(), what }).unwrap();
    }
}

fn publish(sid: &SessionId, group: &str, draft: Draft) -> SocketOp {
    SocketOp::Publish { sid: sid.clone(), group: GroupId::trusted(group), draft: Box::new(draft) }
}

fn from_server(group: &str, draft: Draft) -> Request {
    let Request::Send { app, group, sender, voice, by, .. } = sent(group, "") else { unreachable!() };
    Request::Send { app, group, sender, voice, by, draft: Box::new(draft) }
}

#[test]
fn every_refusal_is_told_whoever_spoke() {
    let mute = |b: &mut Bench| b.in_group(GroupRequest::ChangeMutes(MuteChange::MuteAll { except: vec![] }));
    let list = |b: &mut Bench| b.change(AppChange::Audit(Audit::BuiltIn));
    let nothing = |_: &mut Bench| {};
    let (long, listed) = (Draft::text("x".repeat(15_361)), Draft { flagged: true, ..Draft::text("bad") });
    type Before = fn(&mut Bench);
    let cases: [(&str, Draft, Before, &str); 5] = [
        ("g9", Draft::text("hi"), nothing, "to g9?: group g9 does not exist"),
        ("g1", Draft::text("hi"), mute, "to g1: muted in this group"),
        ("g1", listed, list, "to g1: refused by moderation: it contains a forbidden word"),
        ("g1", long, nothing, "to g1: body has 15361 bytes; 15360 are allowed"),
        (
            "gone",
            Draft::text("hi"),
            |b| {
                b.ask(new_group("gone")).unwrap();
                b.ask(Request::Group { app: app(), group: GroupId::trusted("gone"), by: Actor::system(), what: GroupRequest::Delete }).unwrap();
            },
            "to gone: group gone was deleted",
        ),
    ];
    for (group, draft, before, expected) in cases {
        let folder = Folder::new();
        let (mut b, u0, _) = telling(&folder, "");
        before(&mut b);
        heard();
        let why = expected.split_once(": ").unwrap().1;
        assert_eq!(b.does(0, publish(&u0, group, draft.clone())), [why]);
        assert_eq!(shown(b.ask(from_server(group, draft.clone()))), why);
        let told = |user: &str| format!("{} of {user} {expected}", draft.body);
        assert_eq!(heard(), [told("u0"), told("u1")]);
        assert_eq!(b.engine.core.state.group(Gid(1)).unwrap().counters.top, 0);
    }
}

#[test]
fn what_is_told_of_what() {
    let folder = Folder::new();
    let (mut b, u0, _) = telling(&folder, "");
    assert_eq!(b.says(0, &u0, "hi"), ["1:hi", "published"]);
    assert_eq!(heard(), ["hi of u0 to g1: accepted 1"]);
    let quiet = Draft { forbid_after: true, ..Draft::text("hush") };
    b.does(0, publish(&u0, "g1", quiet.clone()));
    assert_eq!(heard(), [""; 0]);
    assert_eq!(b.does(0, publish(&u0, "g9", quiet)), ["group g9 does not exist"]);
    assert_eq!(heard(), ["hush of u0 to g9?: group g9 does not exist"], "of a failure, everybody is told");
    b.ask(new_group("g2")).unwrap();
    assert_eq!(b.does(0, publish(&u0, "g2", Draft::text("hi"))), ["not in group g2; subscribe to it first"]);
    assert_eq!(heard(), ["hi of u0 to g2: not in group g2; subscribe to it first"]);
    // What lies in how it is said, or with us, is told nobody but who said it.
    let as_itself = Request::Send {
        app: app(),
        group: GroupId::trusted("g2"),
        sender: Sender { user: UserId::trusted("x"), info: String::new(), client: None },
        voice: Voice::Server,
        by: Actor::server(None),
        draft: Box::new(Draft::text("hi")),
    };
    assert!(shown(b.ask(as_itself)).starts_with("group g2 has no member online"));
    b.failing.store(true, Ordering::SeqCst);
    b.says(0, &u0, "lost");
    b.failing.store(false, Ordering::SeqCst);
    heard();
    let unsent = Unsent {
        app: app(),
        group: "no such name\n".into(),
        from: "u0".into(),
        by: Actor::server(None),
        draft: Draft::text("hi"),
        why: Refusal::NoSuchGroup("no such name".into()),
    };
    assert!(matches!(b.ask(Request::Unsent(Box::new(unsent))), Ok(Answer::Done)));
    assert_eq!(heard(), ["hi of u0 to no such name\n?: group no such name does not exist"]);
    b.change(AppChange::ChatWebhook { webhook: None, token: None });
    b.says(0, &u0, "unheard");
    b.does(0, publish(&u0, "g9", Draft::text("hi")));
    assert_eq!(heard(), [""; 0]);
}

#[test]
fn what_the_business_itself_refused_is_told_unless_it_does_not_want_that() {
    for tell_refused in [true, false] {
        let folder = Folder::new();
        let (mut b, u0, _) = telling(&folder, "message");
        b.change(AppChange::Chat(ChatSettings { tell_refused, ..ChatSettings::default() }));
        for (answer, told) in [(HookAnswer::Refuse { code: None, info: "no".into() }, tell_refused), (HookAnswer::Discard, false)] {
            b.says(0, &u0, "x");
            let id = b.questions()[0].0;
            assert_eq!(b.hears(id, answer).len(), 1);
            assert_eq!(heard(), if told { vec!["x of u0 to g1: no"] } else { vec![] });
        }
        b.says(0, &u0, "x");
        let id = b.questions()[0].0;
        b.hears(id, proceed());
        assert_eq!(heard(), ["x of u0 to g1: accepted 1"]);
    }
}

#[test]
fn one_message_too_many_in_a_second() {
    for (rate_mode, answer, fate) in
        [(RateMode::Drop, "TooMany", "TooMany"), (RateMode::Reject, "msg count exceeds limit,please retry later", "msg count exceeds limit,please retry later")]
    {
        let folder = Folder::new();
        let (mut b, ..) = telling(&folder, "message");
        b.change(AppChange::Chat(ChatSettings { rate_mode, ..ChatSettings::default() }));
        for n in 1..=41 {
            let wait = b.begin(sent("g1", &format!("m{n}")));
            let asked = b.questions();
            assert_eq!(asked.len(), 1, "the business is asked before anybody counts");
            b.hears(asked[0].0, proceed());
            let expected = if n == 41 { answer.to_owned() } else { format!("sent {n}") };
            assert_eq!(shown(wait.recv().unwrap()), expected);
        }
        assert_eq!(heard()[39..], ["m40 of u1 to g1: accepted 40".to_owned(), format!("m41 of u1 to g1: {fate}")]);
        b.engine.core.clock.advance(1_000).unwrap();
        let wait = b.begin(sent("g1", "next"));
        let id = b.questions()[0].0;
        b.hears(id, proceed());
        assert_eq!(shown(wait.recv().unwrap()), "sent 41", "it took no number");
    }
}

#[test]
fn what_is_said_again_is_said_once() {
    let numbered = |random, body: &str| from_server("g1", Draft { random: Some(random), ..Draft::text(body) });
    let folder = Folder::new();
    let (mut b, ..) = telling(&folder, "");
    b.engine.core.clock.advance(299_000).unwrap();
    let first = b.ask(numbered(7, "hi"));
    assert_eq!(heard(), ["hi of u1 to g1: accepted 1"]);
    b.engine.core.clock.advance(2_000).unwrap();
    assert_eq!(format!("{:?}", b.ask(numbered(7, "hi"))), format!("{first:?}"), "the first's number and time");
    assert_eq!(heard(), [""; 0]);
    for (random, body, expected) in [(8, "hi", "sent 2"), (7, "ho", "sent 3"), (7, "hi", "sent 1")] {
        assert_eq!(shown(b.ask(numbered(random, body))), expected);
    }
    drop(b);
    let mut b = Bench::open(&folder.0);
    b.ask(Request::ImportAccounts { app: app(), accounts: vec![Account { user: UserId::trusted("u1"), nick: String::new(), face_url: String::new() }] })
        .unwrap();
    b.engine.core.clock.advance(301_000).unwrap();
    assert_eq!(shown(b.ask(numbered(7, "hi"))), "sent 1", "also after a restart");
    b.engine.core.clock.advance(299_000).unwrap();
    assert_eq!(shown(b.ask(numbered(7, "hi"))), "sent 4", "five minutes later it is another one");
    // What leaves no row is remembered as well, and what has an id by that.
    let unstored = || from_server("g1", Draft { random: Some(9), no_storage: true, no_cache: true, ..Draft::text("live") });
    let first = b.ask(unstored());
    assert_eq!(format!("{:?}", b.ask(unstored())), format!("{first:?}"));
    let named = || from_server("g1", Draft { tid: Some(crate::domain::Tid::trusted("t")), ..Draft::text("x") });
    assert_eq!((shown(b.ask(named())), shown(b.ask(named()))), ("sent 5".into(), "sent 5".into()));
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_repeat_is_not_asked_about_even_if_the_first_was_rewritten() {
    let folder = Folder::new();
    let (mut b, ..) = telling(&folder, "message");
    let numbered = || from_server("g1", Draft { random: Some(7), ..Draft::text("hi") });
    let wait = b.begin(numbered());
    let rewritten = crate::domain::hook::Rewritten { elements: Some(("[]".into(), "ho".into())), custom: None };
    let id = b.questions()[0].0;
    b.hears(id, HookAnswer::Proceed { rewritten, without: Vec::new() });
    assert_eq!(shown(wait.recv().unwrap()), "sent 1");
    assert_eq!(heard(), ["ho of u1 to g1: accepted 1"]);
    assert_eq!(shown(b.ask(numbered())), "sent 1");
    assert_eq!((b.questions().len(), heard().len()), (0, 0));
}

#[test]
fn a_message_for_some_is_read_by_them_alone() {
    let folder = Folder::new();
    let (mut b, ..) = telling(&folder, "");
    let to = ["u0", "nobody"].map(UserId::trusted).to_vec();
    b.pushes.lock().unwrap().clear();
    assert_eq!(shown(b.ask(from_server("g1", Draft { to, ..Draft::text("psst") }))), "sent 0");
    let pushed = std::mem::take(&mut *b.pushes.lock().unwrap());
    assert_eq!(told(&pushed), ["aimed 0:psst"]);
    assert_eq!(heard(), ["psst of u1 to g1: accepted 0"]);
    assert_eq!(b.engine.core.state.group(Gid(1)).unwrap().counters.top, 0);
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn messages_to_one_user_are_told_of_too() {
    let folder = Folder::new();
    let (mut b, u0, _) = telling(&folder, "");
    let draft = |to: &str, chat| Box::new(DirectDraft { receiver: UserId::trusted(to), draft: Draft::text("hi"), reliable: false, chat });
    b.does(0, SocketOp::SendDirect { sid: u0.clone(), draft: draft("u1", None) });
    b.does(0, SocketOp::SendDirect { sid: u0.clone(), draft: draft("nobody", None) });
    assert_eq!(
        heard(),
        ["hi of u0 to user u1: accepted 0", "hi of u0 to user nobody: user nobody is not connected; a message to one user is not kept for later"]
    );
    let sender = Sender { user: UserId::trusted("u0"), info: String::new(), client: None };
    let chat = |to: &str| Request::SendDirect {
        app: app(),
        sender: sender.clone(),
        by: Actor::server(None),
        draft: draft(to, Some(Chat { seq: 1, random: 2, sync: false })),
    };
    assert_eq!((shown(b.ask(chat("u1"))), shown(b.ask(chat("nobody")))), ("sent 0".into(), "user nobody does not exist; import it first".into()));
    assert_eq!(heard(), ["hi of u0 to user u1: accepted 0", "hi of u0 to user nobody: user nobody does not exist; import it first"]);
}

#[test]
fn that_a_group_is_full_is_told_who_makes_it_so_and_who_finds_it_so() {
    let folder = Folder::new();
    let (mut b, ..) = telling(&folder, "");
    b.in_group(GroupRequest::Modify(Box::new(crate::domain::request::GroupChange { max_members: Some(3), ..Default::default() })));
    let (u2, u3) = (b.log_on(2, "u2"), b.log_on(3, "u3"));
    b.join(2, &u2, "g1");
    assert_eq!(heard(), ["g1 is full"]);
    let subscribe = SocketOp::Subscribe { sid: u3, group: GroupId::trusted("g1"), join_leave: false, since: None };
    assert!(b.does(3, subscribe)[0].starts_with("group g1 has as many members"));
    assert_eq!(heard(), ["g1 is full"]);
}
