// All words of the page, in both languages, and how numbers and times are written.  Nothing here
// touches the page.

const words = {
	overview: ['Overview', '현황'],
	health: ['Health', '상태 점검'],
	message: ['Message', '메시지'],
	login: ['Log in', '로그인'],
	logout: ['Log out', '로그아웃'],
	secret: ['Operator secret', '운영자 비밀번호'],
	login_hint: ['The secret is in the file that the setting {0} names.', '비밀번호는 설정 {0}이(가) 가리키는 파일에 있습니다.'],
	login_wrong: ['That is not the secret.', '비밀번호가 맞지 않습니다.'],
	login_none: ['No operator secret is set, so nobody can log in.', '운영자 비밀번호가 설정되지 않아 로그인할 수 없습니다.'],
	read_only: ['read only', '읽기 전용'],
	no_role: ['Campaigns cannot be steered from here: rcs.console_role is not set.', '여기서는 캠페인을 조작할 수 없습니다. rcs.console_role이 설정되지 않았습니다.'],
	session_over: ['The session is over. Log in again.', '로그인이 만료되었습니다. 다시 로그인하세요.'],
	no_answer: ['No answer from the server; trying again.', '서버가 응답하지 않습니다. 다시 시도하는 중입니다.'],
	sending_rate: ['Accepted now', '현재 접수 속도'],
	per_second: ['/s', '/초'],
	per_minute: ['/min', '/분'],
	last_minute: ['Accepted, last minute', '최근 1분 접수'],
	waiting: ['Waiting', '대기'],
	worker_idle: ['idle', '쉬는 중'],
	worker_running: ['running', '실행 중'],
	worker_sending: ['sending', '발송 중'],
	worker_listening: ['listening', '수신 중'],
	in_flight: ['In flight', '전송 중'],
	running_now: ['Running campaigns', '발송 중 캠페인'],
	rate_title: ['Messages accepted by the carrier', '이통사 접수 건수'],
	live: ['Live', '실시간'],
	hour_1: ['1 hour', '1시간'],
	hour_24: ['24 hours', '24시간'],
	accepted_s: ['accepted/s', '접수/초'],
	accepted_min: ['accepted/min', '접수/분'],
	failed_min: ['failed/min', '실패/분'],
	throttled_min: ['throttled/min', '속도 제한/분'],
	no_minutes: ['Nothing was sent in this time.', '이 기간에는 발송이 없습니다.'],
	campaigns: ['Campaigns', '캠페인'],
	campaign: ['Campaign', '캠페인'],
	older: ['Older campaigns', '이전 캠페인 더 보기'],
	no_campaigns: ['There is no campaign yet.', '아직 캠페인이 없습니다.'],
	name: ['Name', '이름'],
	state: ['State', '상태'],
	progress: ['Progress', '진행'],
	total: ['Total', '전체'],
	rate: ['Rate', '속도'],
	eta: ['Ends about', '예상 종료'],
	chatbot: ['Sender', '발신 번호'],
	created_by: ['Created by', '만든 역할'],
	created_at: ['Created', '생성'],
	start_at: ['Starts', '시작 예정'],
	started_at: ['Started', '시작'],
	finished_at: ['Finished', '완료'],
	expires_at: ['Expires', '기한'],
	rate_limit: ['Rate limit', '속도 한도'],
	unlimited: ['none', '없음'],
	id: ['Id', 'ID'],
	handle: ['Handle', '핸들'],
	reported: ['reported', '결과 수신'],
	accepted: ['accepted', '접수'],
	duplicates: ['duplicates', '중복'],
	rejected: ['rejected', '거절'],
	pause: ['Pause', '일시 정지'],
	resume: ['Resume', '재개'],
	cancel: ['Cancel campaign', '캠페인 취소'],
	back: ['Keep as it is', '그대로 두기'],
	ask_pause: ['Pause “{0}”?', '“{0}” 캠페인을 일시 정지할까요?'],
	ask_resume: ['Resume “{0}”?', '“{0}” 캠페인을 재개할까요?'],
	ask_cancel: ['Cancel “{0}” for good?', '“{0}” 캠페인을 완전히 취소할까요?'],
	tell_pause: ['Nothing more of it is sent until it is resumed. What is in flight is finished.', '재개할 때까지 더 보내지 않습니다. 이미 전송 중인 메시지는 끝까지 처리합니다.'],
	tell_resume: ['{0} messages wait and will be sent.', '대기 중인 {0}건을 보내기 시작합니다.'],
	tell_cancel: ['{0} unsent messages will never be sent. This cannot be undone.', '보내지 않은 {0}건은 다시는 발송되지 않으며 되돌릴 수 없습니다.'],
	done_pause: ['“{0}” is paused.', '“{0}” 캠페인을 일시 정지했습니다.'],
	done_resume: ['“{0}” goes on.', '“{0}” 캠페인을 재개했습니다.'],
	done_cancel: ['“{0}” is canceled.', '“{0}” 캠페인을 취소했습니다.'],
	forbidden: ['The role of the console may not do that.', '콘솔 역할에 권한이 없습니다.'],
	text: ['Message', '메시지 내용'],
	version: ['version {0}', '버전 {0}'],
	as_json: ['As JSON', 'JSON으로 보기'],
	advertising: ['advertising', '광고성'],
	information: ['information', '정보성'],
	history: ['History', '이력'],
	when: ['When', '시각'],
	who: ['Who', '역할'],
	what: ['What', '내용'],
	code: ['Code', '코드'],
	reason: ['Reason', '사유'],
	ref: ['Reference', '참조'],
	phone: ['Phone', '전화번호'],
	attempts: ['Offers', '시도'],
	some_messages: ['Some of its messages', '메시지 일부'],
	problem_messages: ['Some messages that failed', '실패한 메시지 일부'],
	codes_title: ['Why messages failed, of the latest 20,000 results', '최근 결과 20,000건의 실패 원인'],
	count: ['Messages', '건수'],
	advice: ['What it means', '의미와 조치'],
	rejected_title: ['Recipients that were not taken', '받아들이지 않은 수신자'],
	lanes: ['Lanes', '발송 차선'],
	lane: ['Lane', '차선'],
	lane_single: ['single', '단건'],
	lane_campaign: ['campaign', '캠페인'],
	ready: ['Ready', '즉시 발송'],
	delayed: ['Later', '나중'],
	leased: ['Taken', '처리 중'],
	oldest: ['Oldest', '최장 대기'],
	workers: ['Workers', '작업 프로세스'],
	kind: ['Kind', '종류'],
	since: ['Since', '시작'],
	failed_n: ['Failed', '실패'],
	accepted_n: ['Accepted', '접수'],
	kind_launcher: ['launcher', '관리'],
	kind_single: ['single', '단건'],
	kind_campaign: ['campaign', '캠페인'],
	kind_chat: ['chat', '답장'],
	kind_listener: ['listener', '수신'],
	accounts: ['Carrier accounts', '이통사 계정'],
	account: ['Account', '계정'],
	limit: ['Rate now', '현재 속도'],
	throttled: ['Throttled', '속도 제한'],
	token_until: ['Token until', '토큰 만료'],
	last_error: ['Last error', '마지막 오류'],
	account_open: ['open', '정상'],
	account_unused: ['unused', '미사용'],
	account_unusable: ['unusable', '사용 불가'],
	account_throttled: ['throttled', '속도 제한'],
	account_closed: ['set aside', '중단됨'],
	account_probing: ['probing', '확인 중'],
	hold: ['All sending is on hold: {0}', '모든 발송이 정지됨: {0}'],
	hold_account: ['Account {1} is on hold: {0}', '계정 {1} 정지됨: {0}'],
	hold_by: ['by {0}, since {1}', '{0}, {1}부터'],
	all_well: ['All checks are fine.', '모든 점검이 정상입니다.'],
	check_problems: ['{0} checks need attention', '확인이 필요한 항목 {0}개'],
	check: ['Check', '점검'],
	found: ['Found', '결과'],
	what_to_do: ['What to do', '조치'],
	ok: ['fine', '정상'],
	critical: ['critical', '심각'],
	warning: ['warning', '경고'],
	info: ['note', '참고'],
	check_hold: ['Hold', '발송 정지'],
	check_stalled: ['Stalled queue', '대기열 지연'],
	check_account: ['Carrier accounts', '이통사 계정'],
	check_worker_slots: ['Worker processes', '작업 프로세스'],
	check_in_doubt: ['Unknown outcomes', '결과 불명'],
	check_old_snapshot: ['Long transactions', '오래된 트랜잭션'],
	check_listener: ['Listener', '수신 서버'],
	check_unknown_code: ['Unknown codes', '모르는 결과 코드'],
	check_disk: ['Disk', '디스크'],
	check_clock: ['Clock', '시계'],
	find: ['Show', '조회'],
	message_id: ['Handle of a message', '메시지 핸들'],
	message_help: ['Enter a handle, as rcs.message_status_masked and the pages of campaigns show it, or the id that rcs_send returned.', 'rcs.message_status_masked나 캠페인 화면의 핸들, 또는 rcs_send가 돌려준 ID를 입력하세요.'],
	not_an_id: ['That is neither a handle nor an id.', '핸들이나 ID 형식이 아닙니다.'],
	message_unknown: ['There is no such message here; it may have been purged.', '그런 메시지가 없습니다. 이미 정리되었을 수 있습니다.'],
	campaign_unknown: ['There is no such campaign.', '그런 캠페인이 없습니다.'],
	failed_load: ['The server could not answer: {0}', '서버 오류: {0}'],
	lane_of: ['Lane', '차선'],
	server: ['Account', '계정'],
	carrier: ['Carrier', '이통사'],
	service_type: ['Delivered as', '수신 형태'],
	due_at: ['Due', '발송 예정'],
	sent_at: ['Accepted', '접수'],
	done_at: ['Done', '종료'],
	offer: ['offer {0}', '{0}차 시도'],
	status_queued: ['queued', '대기'],
	status_sending: ['sending', '전송 중'],
	status_sent: ['sent', '접수됨'],
	status_delivered: ['delivered', '수신 완료'],
	status_fell_back: ['fell back', '문자로 대체'],
	status_failed: ['failed', '실패'],
	status_uncertain: ['uncertain', '결과 불명'],
	status_canceled: ['canceled', '취소'],
	status_expired: ['expired', '기한 만료'],
	status_suppressed: ['suppressed', '수신 거부'],
	state_draft: ['draft', '초안'],
	state_scheduled: ['scheduled', '예약'],
	state_running: ['running', '발송 중'],
	state_paused: ['paused', '일시 정지'],
	state_finished: ['finished', '완료'],
	state_canceled: ['canceled', '취소됨'],
	step_created: ['put in the queue', '대기열에 등록'],
	step_offered: ['offered to the carrier', '이통사에 전송'],
	step_accepted: ['accepted by the carrier', '이통사 접수'],
	step_failed: ['refused for good', '최종 거절'],
	step_uncertain: ['outcome unknown for good', '결과를 알 수 없음'],
	step_canceled: ['canceled', '취소'],
	step_expired: ['expired before it was sent', '발송 전 기한 만료'],
	step_suppressed: ['not sent: opted out', '수신 거부로 발송하지 않음'],
	step_refused: ['refused for the moment; will be offered again', '일시 거절, 다시 전송 예정'],
	step_unknown: ['no clear answer; will be offered again under the same id', '응답 불명, 같은 ID로 다시 전송 예정'],
	step_withdrawn: ['taken back before it left', '전송 전 회수'],
	step_report_delivered: ['report: delivered', '결과: 수신 완료'],
	step_report_fell_back: ['report: arrived as the fallback', '결과: 대체 문자로 수신'],
	step_report_failed: ['report: failed', '결과: 실패'],
	step_report_uncertain: ['report: unclear', '결과: 불명'],
	event_created: ['created', '생성'],
	event_started: ['started', '시작'],
	event_paused: ['paused', '일시 정지'],
	event_resumed: ['resumed', '재개'],
	event_canceled: ['canceled', '취소'],
	event_changed: ['changed', '변경'],
	event_added: ['recipients added', '수신자 추가'],
	event_tested: ['tested', '시험 발송'],
	event_resent: ['failures sent again', '실패 재발송'],
	detail_added: ['taken', '추가'],
	detail_duplicates: ['duplicates', '중복'],
	detail_rejected: ['rejected', '거절'],
	detail_reason: ['reason', '사유'],
	detail_message: ['message', '메시지'],
	detail_n: ['messages', '건수'],
	detail_version: ['version', '버전'],
	via_console: ['through the console', '콘솔에서'],
};

const languages = ['en', 'ko'];
let language = 'en';
let locale = 'en-GB';

function remembered()
{
	try
	{
		return localStorage.getItem('rcs-language');
	}
	catch
	{
		return null; // storage may be forbidden
	}
}

export function chooseLanguage(wanted)
{
	const guess = remembered() ?? (navigator.language.startsWith('ko') ? 'ko' : 'en');

	language = languages.includes(wanted ?? guess) ? wanted ?? guess : 'en';
	locale = language === 'ko' ? 'ko-KR' : 'en-GB';
	document.documentElement.lang = language;
	try
	{
		if (wanted)
			localStorage.setItem('rcs-language', wanted);
	}
	catch
	{
		// then it is chosen anew next time
	}
}

export const currentLanguage = () => language;

// A word in the language of the page; {0}, {1} are replaced.  What has no word is shown as it came.
export function t(key, ...values)
{
	const entry = words[key];
	let text = entry ? entry[languages.indexOf(language)] : key.replace(/^[a-z]+_/, '').replaceAll('_', ' ');

	values.forEach((value, i) => { text = text.replaceAll(`{${i}}`, () => value); });
	return text;
}

// ---------- numbers and times ----------

export const number = (n) => n == null ? '' : new Intl.NumberFormat(locale).format(n);

export function speed(perSecond)
{
	if (perSecond == null)
		return '';
	const digits = perSecond > 0 && perSecond < 10 ? 1 : 0;
	return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(perSecond) + t('per_second');
}

const sameDay = (a, b) => a.toDateString() === b.toDateString();

// Of today only the hour, of other days the date too.
export function moment(iso, precise = false)
{
	if (iso == null)
		return '';
	const at = new Date(iso);
	if (Number.isNaN(at.getTime()))
		return String(iso); // infinity
	const hour = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false };
	if (precise)
		hour.fractionalSecondDigits = 3;
	const day = sameDay(at, new Date()) ? {} : { year: 'numeric', month: '2-digit', day: '2-digit' };
	return new Intl.DateTimeFormat(locale, { ...day, ...hour, hourCycle: 'h23' }).format(at);
}

// The usual reasons of the server that a campaign or a message waits, in the language of the page;
// {0} is what follows.  Moments in them are written as elsewhere.
const reasons = [
	['starts at ', '시작 예정: {0}'],
	['paused at ', '일시 정지: {0}'],
	['canceled at ', '취소: {0}'],
	['on hold: ', '발송 정지: {0}'],
	['campaign is canceled', '캠페인이 취소됨'],
	['campaign is paused', '캠페인이 일시 정지됨'],
	['campaign is a draft', '캠페인이 초안 상태'],
	['campaign is scheduled for ', '캠페인 예약: {0}'],
	['scheduled for ', '예약: {0}'],
	['outcome unknown, will be offered again', '결과 불명, 다시 전송 예정'],
];

export function reason(text)
{
	if (text == null)
		return '';
	const known = language === 'ko' ? reasons.find(([english]) => text.startsWith(english)) : undefined;
	const words = known ? known[1].replace('{0}', () => text.slice(known[0].length)) : text;

	return words.replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?/g,
		(all, day, hour, zone, minutes) => moment(`${day}T${hour}${zone}${minutes ?? ':00'}`));
}

export function hourMinute(epoch, withSeconds)
{
	return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
		...(withSeconds ? { second: '2-digit' } : {}) }).format(new Date(epoch * 1000));
}

export function duration(seconds)
{
	if (seconds == null)
		return '';
	const s = Math.max(0, Math.round(seconds));
	const two = (n) => String(n).padStart(2, '0');
	return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` :
		`${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
