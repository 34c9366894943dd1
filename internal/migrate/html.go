package migrate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

//go:embed dossier.html.tmpl
var dossierHTML string

// words of the dossier, English and Chinese.
type words struct{ en, zh string }

// RenderHTML writes a dossier as one printable page without any external resource. lang is "zh" for
// Chinese, anything else for English. Everything that came from outside is escaped.
func RenderHTML(w io.Writer, d v1.Dossier, lang string) error {
	page := page{Dossier: d, Lang: "en"}
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		page.Lang = "zh-CN"
	}
	t, err := template.New("dossier").Funcs(template.FuncMap{
		"t": page.word, "time": timeText, "share": shareText, "rate": rateText, "micros": microsText,
		"sum": sum, "verdict": page.verdict, "phase": page.phase, "gate": page.gate, "action": page.action, "class": page.class,
	}).Parse(dossierHTML)
	if err != nil {
		return fmt.Errorf("read the dossier's template: %w", err)
	}
	if err := t.Execute(w, &page); err != nil {
		return fmt.Errorf("write the dossier: %w", err)
	}
	return nil
}

// page is what the template sees.
type page struct {
	v1.Dossier
	Lang string
}

// Newest is the history, newest first.
func (p *page) Newest() []v1.Transition {
	h := slices.Clone(p.Status.History)
	slices.Reverse(h)
	return h
}

// Differing is the endpoints with a path that differed.
func (p *page) Differing() []v1.EndpointEvidence {
	var out []v1.EndpointEvidence
	for _, e := range p.Evidence.Endpoints {
		if len(e.Paths) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (p *page) say(w words) string {
	if p.Lang == "zh-CN" {
		return w.zh
	}
	return w.en
}

// word is a fixed text of the page; its English words are the key.
func (p *page) word(en string) string {
	if zh, ok := chinese[en]; ok && p.Lang == "zh-CN" {
		return zh
	}
	return en
}

func (p *page) verdict(v v1.Verdict) string {
	switch v {
	case v1.VerdictPass:
		return p.say(words{"pass", "通过"})
	case v1.VerdictFail:
		return p.say(words{"fail", "不通过"})
	case v1.VerdictNotEnough:
		return p.say(words{"not enough", "证据不足"})
	}
	return "–"
}

func (p *page) phase(v v1.Phase) string { return p.word(strings.ReplaceAll(string(v), "_", " ")) }

func (p *page) gate(name string) string { return p.word(strings.ReplaceAll(name, "_", " ")) }

func (p *page) action(name string) string { return p.word(name) }

func (p *page) class(c v1.NoiseClass) string { return p.word(strings.ReplaceAll(string(c), "_", "-")) }

func timeText(v any) string {
	switch at := v.(type) {
	case time.Time:
		if at.IsZero() {
			return "–"
		}
		return at.UTC().Format("2006-01-02 15:04:05 UTC")
	case *time.Time:
		if at != nil {
			return timeText(*at)
		}
	}
	return "–"
}

func rateText(rate float64) string { return fmt.Sprintf("%.3g %%", 100*rate) }

func microsText(us int64) string { return (time.Duration(us) * time.Microsecond).String() }

func sum(m map[string]int64) int64 {
	var n int64
	for _, v := range m {
		n += v
	}
	return n
}

var chinese = map[string]string{
	"Migration dossier": "迁移档案", "Summary": "概要", "Service": "服务", "From": "旧侧", "To": "新侧", "Phase": "阶段", "Share on the new side": "新侧流量份额",
	"Versions": "版本", "Evidence since": "证据始于", "Verdict now": "当前结论", "Report made": "报告生成时间", "Steps": "步骤", "Reason": "原因", "Blocked by": "受阻于",
	"First difference": "首个差异", "Decisions": "决策", "Every change of phase or share, newest first, with the gates that decided.": "阶段或份额的每次变更（最新在前），以及作出决定的闸门。",
	"When": "时间", "By": "操作者", "Share": "份额", "Gates": "闸门", "Gates now": "当前闸门", "Gate": "闸门", "Verdict": "结论", "Measured": "实测", "Bound": "界限", "Samples": "样本数", "Baseline": "基线", "Detail": "说明",
	"Traffic in the present phase": "当前阶段流量", "Cohort": "群组", "old": "旧", "new": "新", "Requests": "请求", "Failures": "失败", "Fallbacks": "回退", "Copies": "镜像副本",
	"Offered": "提交", "Compared": "已比较", "Triples": "三元组", "Not sampled": "未抽样", "Not comparable": "不可比较", "Dropped": "丢弃",
	"Endpoints": "端点", "Endpoint": "端点", "Pairs": "对数", "Clusters": "独立主体", "Mismatches": "不一致", "Rate": "比率", "Interval 95 %": "95 % 区间", "Detectable": "可检出差异率",
	"What differed": "差异明细", "Values are masked unless the specification lists their path.": "除规格中列出的路径外，取值均已遮蔽。", "Path": "路径", "Class": "类别", "Against": "不利", "In favour": "有利", "Noise": "噪声", "Ignored": "已忽略",
	"Old value": "旧值", "New value": "新值", "Trace": "追踪号", "Nothing differed.": "没有差异。", "Nothing was compared.": "尚未比较任何内容。",
	"Accepted differences": "已接受的差异", "In force": "生效中", "Expired": "已过期", "Owner": "负责人", "Expires": "到期", "None.": "无。", "every endpoint": "所有端点",
	"Audit": "审计", "Action": "动作", "Revision": "修订号", "create": "创建", "update": "更新", "delete": "删除", "transition": "状态变更",
	"observe": "观察", "mirror": "镜像", "ramp": "放量", "hold": "保持", "done": "完成", "rolled back": "已回滚",
	"mismatch": "一致性", "errors": "错误率", "latency": "延迟", "mirror drops": "镜像丢弃", "deterministic": "确定", "time-like": "时间类", "id-like": "标识类", "order-free": "次序无关", "tolerance": "容差", "unknown": "未知",
	"concurrent": "同期", "frozen": "冻结", "Signatures": "签署", "Prepared": "编制", "Checked": "复核", "Approved": "批准", "Name, date": "姓名、日期", "before": "之前", "after": "之后",
	"Made by Jindu": "由 Jindu 津渡生成", "omitted paths": "条路径超出上限未跟踪", "Specification": "规格",
}
