//! What the pace of polling promises, alone and in a crowd.

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const AGENTS: usize = 500;

fn minutely() -> Pace {
    Pace::new(MINUTE, MINUTE)
}

/// The shortest and the longest rest that may come next.
fn bounds(pace: &Pace, answer: Answer) -> (u64, u64) {
    let at = |chance| pace.clone().rest(answer, None, chance).usual.as_secs();
    (at(0.0), at(1.0))
}

/// The bounds of so many rests in a row.
fn rests(pace: &mut Pace, answer: Answer, count: usize) -> Vec<(u64, u64)> {
    let one = |_| {
        let bounds = bounds(pace, answer);
        pace.rest(answer, None, 0.5);
        bounds
    };
    (0..count).map(one).collect()
}

#[test]
fn a_repository_that_answers_is_asked_at_its_interval_after_one_wide_rest() {
    assert_eq!(rests(&mut minutely(), Answer::Told, 3), [(30, 90), (54, 66), (54, 66)]);
}

#[test]
fn a_failing_repository_is_asked_less_and_less_and_never_more_often_than_a_working_one() {
    let mut pace = minutely();
    pace.rest(Answer::Told, None, 0.5);
    let expected = [(60, 120), (60, 240), (60, 480), (60, 900), (60, 900)];
    assert_eq!(rests(&mut pace, Answer::Trouble, 5), expected);
    assert_eq!(rests(&mut pace, Answer::Told, 1), [(54, 66)], "an answer ends it");
    assert_eq!(rests(&mut pace, Answer::Trouble, 1), [(60, 120)]);
}

#[test]
fn one_that_has_never_answered_is_asked_again_within_seconds_at_first() {
    let expected = [(1, 5), (1, 10), (1, 20), (1, 40), (60, 120), (60, 240)];
    assert_eq!(rests(&mut minutely(), Answer::Trouble, 6), expected);
}

#[test]
fn a_refusal_is_asked_about_once_more_and_then_at_the_longest_rest() {
    assert_eq!(rests(&mut minutely(), Answer::Refused, 3), [(60, 120), (675, 900), (675, 900)]);
}

#[test]
fn what_a_moved_tag_mends_is_asked_for_as_if_all_were_well() {
    for class in [Class::RefMissing, Class::Unusable, Class::Unverified] {
        assert_eq!(Answer::from(class), Answer::Told, "{class}");
    }
    assert_eq!(Answer::from(Class::Superseded), Answer::Racing);
    for class in [Class::Unreachable, Class::TimedOut, Class::NotUnderstood, Class::Internal] {
        assert_eq!(Answer::from(class), Answer::Trouble, "{class}");
    }
    assert_eq!(Answer::from(Class::AuthFailed), Answer::Refused);
}

#[test]
fn what_moved_while_it_was_fetched_is_asked_for_soon_and_never_later_than_usual() {
    let expected = [(1, 5), (1, 10), (1, 20), (1, 40), (1, 60), (1, 60)];
    assert_eq!(rests(&mut minutely(), Answer::Racing, 6), expected);
    let mut pace = minutely();
    rests(&mut pace, Answer::Racing, 6);
    pace.rest(Answer::Told, None, 0.5);
    assert_eq!(bounds(&pace, Answer::Racing), (1, 5), "an answer ends it");
    let second = Duration::from_secs(1);
    assert_eq!(rests(&mut Pace::new(second, second), Answer::Racing, 3), [(1, 1); 3]);
}

#[test]
fn what_cannot_be_used_is_left_alone_longer_and_longer() {
    let left = |pace: &Pace| (1..=6).map(|tries| pace.leave(tries).as_secs()).collect::<Vec<_>>();
    assert_eq!(left(&minutely()), [120, 240, 480, 900, 900, 900]);
    let second = Duration::from_secs(1);
    assert_eq!(left(&Pace::new(second, second)), [2, 4, 8, 15, 15, 15]);
}

#[test]
fn what_has_changed_is_asked_as_if_for_the_first_time() {
    for answer in [Answer::Trouble, Answer::Refused] {
        let mut pace = minutely();
        pace.rest(Answer::Told, None, 0.5);
        rests(&mut pace, answer, 6);
        pace.forgive();
        assert_eq!(bounds(&pace, answer), (60, 120), "{answer:?}");
    }
}

#[test]
fn the_longest_rest_follows_the_interval() {
    let longest = |interval: u64| {
        let interval = Duration::from_secs(interval);
        let mut pace = Pace::new(interval, interval);
        rests(&mut pace, Answer::Trouble, 40).into_iter().map(|(_, to)| to).max()
    };
    assert_eq!([longest(1), longest(10), longest(60), longest(7200)], [15, 150, 900, 7200].map(Some));
}

#[test]
fn nobody_asks_before_the_server_said_and_they_do_not_come_at_once() {
    let mut pace = minutely();
    let mut rest = |answer, later: u64, chance| {
        let Rest { usual, least } = pace.rest(answer, Some(Duration::from_secs(later)), chance);
        (usual.as_secs(), least.as_secs())
    };
    assert_eq!(rest(Answer::Trouble, 300, 0.0), (300, 300));
    assert_eq!(rest(Answer::Trouble, 300, 1.0), (360, 300));
    assert_eq!(rest(Answer::Trouble, 86_400, 0.0), (3600, 3600), "no server silences an agent for a day");
    assert_eq!(rest(Answer::Refused, 1, 0.0), (60, 1), "and none makes it ask more often");
}

/// How many agents ask in each second of an hour, all started in the first; the server is away in the
/// seconds of `outage`.
fn crowd(outage: std::ops::Range<usize>, later: Option<Duration>) -> Vec<usize> {
    let mut die = fastrand::Rng::with_seed(7);
    let mut seconds = vec![0; 3600];
    for _ in 0..AGENTS {
        let mut pace = minutely();
        let mut at = Duration::from_secs_f64(die.f64());
        while let Some(asked) = seconds.get_mut(usize::try_from(at.as_secs()).expect("an hour")) {
            *asked += 1;
            let away = outage.contains(&usize::try_from(at.as_secs()).expect("an hour"));
            let (answer, later) = if away { (Answer::Trouble, later) } else { (Answer::Told, None) };
            at += pace.rest(answer, later, die.f64()).usual;
        }
    }
    seconds
}

/// The most that may ask in one second. On average it is `AGENTS` in a minute, 8.3; seconds are counted
/// independently, so that their spread is the root of it, 2.9, and six of that above the average come
/// in one second of many years.
const MOST: usize = 26;

#[test]
fn five_hundred_agents_that_start_together_ask_at_once_once() {
    let seconds = crowd(0..0, None);
    assert_eq!(seconds[0], AGENTS);
    assert_eq!(seconds[1..].iter().max().filter(|most| **most > MOST), None, "{seconds:?}");
    let asked: usize = seconds[120..].iter().sum();
    assert!(asked.abs_diff(AGENTS * 58) < AGENTS, "and each of them every minute: {asked}");
}

#[test]
fn an_outage_is_not_made_worse_and_its_end_is_no_stampede() {
    for later in [None, Some(Duration::from_mins(2))] {
        let outage = 1200..1800;
        let seconds = crowd(outage.clone(), later);
        assert_eq!(seconds[1..].iter().max().filter(|most| **most > MOST), None, "{later:?} {seconds:?}");
        let asked: usize = seconds[outage].iter().sum();
        assert!(asked < AGENTS * 5, "half as often as a server that answers: {asked}");
        let back: usize = seconds[1800..2700].iter().sum();
        assert!(back > AGENTS * 5, "all of them are back: {back}");
    }
}

#[test]
fn a_rollout_into_an_outage_asks_a_few_times_more_and_then_as_seldom_as_others() {
    let seconds = crowd(0..900, None);
    let soon: usize = seconds[..120].iter().sum();
    assert!(soon <= AGENTS * 7, "{soon}");
    assert!(seconds[1..].iter().all(|asked| *asked < AGENTS / 2), "{seconds:?}");
    assert_eq!(seconds[300..].iter().max().filter(|most| **most > MOST), None, "{seconds:?}");
}
