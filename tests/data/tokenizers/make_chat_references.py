"""Records what transformers' Jinja environment makes of chat templates and of small snippets.

    python make_chat_references.py > chat_templates.jsonl

Needs transformers 5 and jinja2 3.1. A line holds the template, the messages, and what was rendered, or "error": true
where the reference refuses. strftime_now() is asked at 00:00 on the row's "date",
and on 26 Jul 2024 where there is none.
"""

import datetime
import json

from transformers.utils.chat_template_utils import _compile_jinja_template

TEMPLATES = {
    # SmolLM2's own template, as its GGUF carries it, is tested with the demo model; this has its shape.
    "chatml_with_default_system": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
A default system turn.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "llama2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate: user, assistant, user, …') }}
    {%- endif %}
    {%- if loop.index0 == 0 and system_message != false %}
        {%- set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {%- else %}
        {%- set content = message['content'] %}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + content.strip() + ' ' + eos_token }}
    {%- endif %}
{%- endfor %}
""",
    "llama3": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system turn comes first. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Cutting Knowledge Date: December 2023\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "alternating_with_namespace": """{%- set ns = namespace(system='', turns=0, seen=false) -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {%- set ns.system = ns.system ~ message.content ~ '\\n\\n' -%}
        {%- continue -%}
    {%- endif -%}
    {%- set ns.turns = ns.turns + 1 -%}
    {%- if message.role not in ['user', 'assistant'] -%}
        {{- raise_exception("Only user and assistant roles, not " ~ message.role) -}}
    {%- endif -%}
    <start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
    {{ ns.system + (message['content'] | trim) if not ns.seen else message['content'] | trim }}<end_of_turn>
    {% set ns.seen = true %}
{%- endfor -%}
{%- if add_generation_prompt -%}<start_of_turn>model
{% endif -%}""",
    "reasoning": """{%- macro turn(role, content, closed=true) -%}
{{ '<|' ~ role ~ '|>' }}{{ content }}{% if closed %}<|end|>{% endif %}
{%- endmacro -%}
{%- set last = namespace(user=-1) -%}
{%- for message in messages[::-1] -%}
  {%- set index = (messages|length - 1) - loop.index0 -%}
  {%- if last.user < 0 and message.role == "user" and message.content is string and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) -%}
    {%- set last.user = index -%}
  {%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
  {%- if message.role == 'assistant' -%}
    {%- set content = message.content -%}
    {%- set thought = '' -%}
    {%- if '</think>' in content -%}
      {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') -%}
      {%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
    {%- endif -%}
    {%- if loop.index0 > last.user and (loop.last or (not loop.last and thought)) -%}
      {{- turn('assistant', '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n')) -}}
    {%- else -%}
      {{- turn('assistant', content) -}}
    {%- endif -%}
  {%- else -%}
    {{- turn(message.role, message.content) -}}
  {%- endif -%}
  {{- '\\n' if not loop.last -}}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '\\n' ~ turn('assistant', '', closed=false) }}{% endif %}""",
    "generation_blocks": """{% for message in messages %}
{% if message.role == "assistant" %}
{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}

{% else %}
{{ message.role }}: {{ message.content }}
{% endif %}
{% endfor %}""",
}

CHATS = [
    [{"role": "user", "content": "Hello, who are you?"}],
    [{"role": "system", "content": "  You are terse.\n"}, {"role": "user", "content": " Hi \n"}],
    [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant", "content": "  A1 "},
     {"role": "user", "content": "U2"}],
    [{"role": "user", "content": "2+2?"},
     {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\nFour."}],
    [{"role": "user", "content": "{{ not a template }} {% if %} <|im_end|> 'quotes' \"double\" \\n é 😀"}],
    [{"role": "assistant", "content": "I start."}, {"role": "user", "content": "No."}],
    [{"role": "tool", "content": "{\"result\": 1}"}],
    [{"role": "user", "content": ""}],
]

SNIPPETS = [
    # White space
    "a\n", "a\n\n", "a\r\nb\rc", "  {% if true %}\n  x\n  {% endif %}\n y", "{% if true %}  \nx{% endif %}",
    "a  {{- 'x' -}}  b", "a \n {%- if true -%} \n x \n {%- endif -%} \n b", "a\n  {#- c -#}\n b", "a\n  {# c #}\nb",
    "a {# c #} b", "x\n    {%+ if true %}y{% endif +%}\nz", "{{ 'a' }}\n{{ 'b' }}", "  {{ 'a' }}  \n",
    "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\nend", "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}\nend",
    "{% raw %}{{ x }} {% if %}{% endraw %}", "a\n  {% raw %}\n x\n  {% endraw %}\n b", "{%- raw -%} x {%- endraw -%} y",
    "\u00a0{%- if true %}x{% endif -%}\u3000y", "{{-1}}", "{{ -1 }}", "{{+1}}", "a{{ '' }}\n\nb", "\n{% if true %}\n\nx{% endif %}",
    "{% set x = 1 %}\n{{ x }}", "  {% set x %}\n  body\n  {% endset %}\n[{{ x }}]", "{# a #}\n{# b #}\nx", "\t{% if 1 %}\tx\t{% endif %}\t\n",
    # Literals
    r"{{ 'a\nb\t\'q\' \" \\ \x41 \u00e9 \U0001F600 \101 \q' }}", "{{ 'a' 'b' \"c\" }}", "{{ 1_000 + 0 }}", "{{ 1.5 }} {{ 1e3 }} {{ 2.0 }} {{ 1e16 }} {{ 1.5e-7 }} {{ 0.1 + 0.2 }}",
    "{{ true }} {{ False }} {{ none }} {{ None }}", "{{ [1, 'a', none, 2.5, [true]] }}", "{{ (1,) }} {{ () }} {{ (1, 2) }} {{ 1, 2 }}",
    "{{ {'a': 1, 'b': [2]} }}", "{{ {'a': {'b': {}}} }}", "{{ ['it\\'s', \"say \\\"x\\\"\", 'both \\' and \"', '\\n\\t\\x00\\u200b é'] }}",
    # Operators
    "{{ 1 + 2 * 3 - 4 / 2 }}", "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
    "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}", "{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ undefined_thing ~ [1] }}", "{{ 'a' + 'b' * 3 }} {{ [1] + [2] * 2 }}",
    "{{ 1 + 1 ~ 2 }}", "{{ 'x' ~ 1 + 1 }}", "{{ not true }} {{ not not 1 }} {{ not 0 and 1 }}", "{{ 1 or 2 }} {{ 0 or 'd' }} {{ '' or none }} {{ 1 and 2 }} {{ 0 and x.y }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ 'a' == 1 }} {{ none == none }}",
    "{{ 'a' in 'abc' }} {{ 'x' not in ['x'] }} {{ 1 in [1.0] }} {{ 'k' in {'k': 1} }} {{ 'a' in missing }}", "{{ not 'a' in 'b' }}",
    "{{ 'yes' if 1 else 'no' }} {{ 'yes' if 0 else 'no' }} [{{ 'yes' if 0 }}] {{ 1 if 0 else 2 if 0 else 3 }}", "{{ ('a' if true else 'b') ~ 'c' }}", "{{ 'a' if true else 'b' ~ 'c' }}",
    "{{ [1,2] == [1,2] }} {{ (1,2) == [1,2] }} {{ {'a':1} == {'a':1.0} }}", "{{ 1 / 3 }} {{ 10 / 5 }} {{ 1e300 * 1e10 }}", "{{ 5 - -3 }} {{ +5 }} {{ - 5 }}",
    # Members, indices, slices
    "{{ messages[0].content }} {{ messages[-1]['role'] }} [{{ messages[9] }}] [{{ messages[0].nothing }}]", "{{ 'abc'[0] }}{{ 'abc'[-1] }}[{{ 'abc'[7] }}]", "{{ 'héllo😀x'[1:6] }} {{ 'abc'[::-1] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[4:1:-1] }} {{ 'abc'[:-1] }} {{ 'abc'[5:] }}",
    "{{ [1,2,3][1:] }} {{ [1,2,3][:-1] }} {{ [1,2,3][::-1] }} {{ (1,2,3)[1:] }} {{ [1,2,3][-2:] }} {{ [1,2,3][10:] }}", "{{ {'a': {'b': 'c'}}.a.b }} {{ {'a': 1}['a'] }} [{{ {'a': 1}.zz }}]", "{{ [[1,2],[3,4]][1][0] }} {{ [5,6].1 }}",
    "[{{ 'abc'.foo }}] [{{ (1).real_nothing }}]", "{{ {'x y': 1}['x y'] }}", "{{ [1,2,3][missing_none] }}", "{{ 'a,b,c'.split(',')[1] }}", "{{ messages[0]['con' ~ 'tent'] }}",
    # Undefined
    "[{{ nothing }}] {{ nothing is defined }} {{ nothing is undefined }} {{ nothing|default('d') }} {{ not nothing }}", "{{ nothing|length }} {{ nothing|list }} {% for x in nothing %}x{% else %}empty{% endfor %}", "{{ nothing == none }} {{ nothing == other }} {{ nothing|trim }}|", "{{ ''|default('d') }} {{ ''|default('d', true) }} {{ none|default('d') }} {{ none|d('e', boolean=true) }}", "{{ messages[0].x is defined }} {{ messages[0].role is defined }}",
    "{{ nothing|upper }}|{{ nothing|join(',') }}|{{ nothing|first }}|{{ nothing|string }}|", "{{ tools is none }} {{ tools is defined }} {{ documents }} {{ custom is defined and custom.x }}",
    # Filters
    "{{ '  a b '|trim }}| {{ 'xxaxx'|trim('x') }} {{ 5|trim }}", "{{ 'abc'|length }} {{ 'é😀'|length }} {{ [1,2]|count }} {{ {'a':1}|length }}", "{{ 'aBc dEf'|upper }} {{ 'aBc'|lower }} {{ 'hello WORLD'|capitalize }}", "{{ 'hello world'|replace('o', '0') }} {{ 'aaa'|replace('a','b',2) }}", "{{ [1,2,3]|join(', ') }} {{ ['a','b']|join }} {{ messages|join('-', attribute='role') }} {{ 'abc'|join('.') }}",
    "{{ [3,1,2]|first }} {{ [3,1,2]|last }} [{{ []|first }}] {{ 'abc'|last }}", "{{ '42'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ 3.9|int }} {{ ' 5 '|int }} {{ '3.7'|int }} {{ true|int }}", "{{ '1.5'|float }} {{ 'x'|float }} {{ 2|float }}", "{{ -3|abs }} {{ (-3)|abs }} {{ (-2.5)|abs }}", "{{ {'b':1,'a':2}|items|list }} {{ {'b':1,'a':2}|dictsort }}",
    "{{ [1,2,3]|map('string')|list }} {{ messages|map(attribute='role')|join(',') }} {{ ['a','b']|map('upper')|join }} {{ messages|map(attribute='x', default='?')|list }}", "{{ [1,2,3,4]|select('even')|list }} {{ [0,1,'']|select|list }} {{ [1,2,3]|reject('equalto', 2)|list }} {{ [1,5]|select('gt', 3)|list }}", "{{ messages|selectattr('role','equalto','user')|list|length }} {{ messages|rejectattr('role','==','user')|map(attribute='content')|list }} {{ messages|selectattr('content')|list|length }}", "{{ [1,2,1,3]|unique|list }}", "{{ [1,2]|reverse|list }} {{ 'abc'|reverse }}",
    "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ 'a\nb'|indent('>>') }}|{{ 'a\n'|indent }}|", "{{ [3,1,2]|min }} {{ [3,1,2]|max }} {{ ['b','a']|min }}", "{{ 'abc'|list }} {{ {'a':1}|list }} {{ (1,2)|list }}", "{{ 5|string ~ 1 }} {{ none|string }} {{ [1]|string }}", "{{ 'a<b'|safe }}", "{{ 'a'|upper|lower|trim }}", "{{ ('a' ~ 'b')|upper }} {{ 'a' ~ 'b'|upper }} {{ 1 + '2'|int }}",
    "{% filter upper %}abc {{ 'd' }}{% endfilter %}", "{% filter trim|replace('a','b') %}  aaa {% endfilter %}|",
    # tojson
    "{{ {'b': 1, 'a': [1, 2.5, true, none, 'é\"\\n']}|tojson }}", "{{ {'b': 1, 'a': []}|tojson(indent=2) }}", "{{ {'b': {'c': [1, {}]}, 'a': 1}|tojson(indent=4, sort_keys=true) }}", "{{ 'é😀\\u0001</s>'|tojson }} {{ 'é😀'|tojson(ensure_ascii=true) }}", "{{ [1,2]|tojson(separators=(',', ':')) }}", "{{ messages|tojson }}", "{{ 1.0|tojson }} {{ 1e20|tojson }} {{ none|tojson }} {{ 'x'|tojson }}", "{{ []|tojson(indent=2) }} {{ {}|tojson }}",
    # Tests
    "{{ 1 is number }} {{ 'a' is string }} {{ [] is sequence }} {{ {} is mapping }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ none is none }} {{ true is boolean }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }}", "{{ 4 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }}", "{{ 1 is equalto 1 }} {{ 1 is eq(2) }} {{ 'a' is in ['a'] }} {{ 2 is gt 1 }} {{ 1 is not string }} {{ none is not none }}", "{{ true is true }} {{ 1 is true }} {{ false is false }} {{ none is sameas none }} {{ true is sameas true }} {{ 1 is sameas true }}", "{{ raise_exception is defined }} {{ strftime_now is callable }} {{ messages is sequence and messages is not string }}", "{{ 'a' is string and 1 is number or x is defined }}", "{{ 'x' if messages is defined else 'y' }}",
    # Methods
    "{{ ' a '.strip() }}| {{ 'xxa'.lstrip('x') }} {{ 'axx'.rstrip('x') }} {{ 'abcba'.strip('ab') }}", "{{ 'a b  c'.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ' a b '.split(' ') }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b c'.split(none, 1) }} {{ 'a b c'.split(maxsplit=1) }}", "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('x') }} {{ 'abc'.startswith(('x','a')) }}", "{{ 'abc'.upper() }} {{ 'ABC'.lower() }} {{ 'hello world'.title() }} {{ \"they're bill's\".title() }} {{ 'hELLO'.capitalize() }}", "{{ 'abcabc'.replace('b','X') }} {{ 'abcabc'.replace('b','X',1) }} {{ 'ab'.replace('','-') }}", "{{ 'hello'.find('l') }} {{ 'hello'.rfind('l') }} {{ 'hello'.find('z') }} {{ 'héé'.find('é') }} {{ 'hello'.count('l') }}", "{{ ','.join(['a','b']) }} {{ 'a\nb\r\nc'.splitlines() }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '12'.isdigit() }} {{ ''.isdigit() }}", "{{ {'a':1}.get('a') }} {{ {'a':1}.get('b') }} {{ {'a':1}.get('b', 2) }} {% for k, v in {'a':1,'b':2}.items() %}{{ k }}={{ v }};{% endfor %} {{ {'a':1}.keys()|list }} {{ {'a':1}.values()|list }}", "{{ [1,2,1].count(1) }} {{ [1,2].index(2) }}", "{{ messages[0].content.split(' ')[0].upper().lower() }}", "{{ messages[0].get('content') }} {{ messages[0].get('nope', 'dflt') }}",
    # Statements
    "{% if a %}1{% elif not a %}2{% else %}3{% endif %}", "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }};{% endfor %}", "{% for x in 'abc' %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }}{% endfor %}", "{% for x in [1,2,3] if x != 2 %}{{ x }}{{ loop.index }}{{ loop.length }}{% else %}none{% endfor %}", "{% for x in [] %}x{% else %}empty{% endfor %}", "{% for a, b in [(1,2),[3,4]] %}{{ a }}-{{ b }};{% endfor %}", "{% for (a, b) in [(1,2)] %}{{ a + b }}{% endfor %}", "{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{{ range(3)|list }} {{ range(1,4)|list }} {{ range(5,0,-2)|list }}", "{% for x in [1,2] %}{% for y in [1,2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}", "{% for k in {'a':1,'b':2} %}{{ k }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}", "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set t = 1, 2 %}{{ t }}", "{% set ns = namespace(x=1, l=[]) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.x }} {{ ns.l }} [{{ ns.zz }}]", "{% set x %}a{{ 1 }}b{% endset %}{{ x }}{{ x|length }}", "{% set x | upper %}abc{% endset %}{{ x }}", "{% set d = dict(a=1, b='x') %}{{ d }} {{ d.a }}", "{% set x = 5 %}{% set y %}{% set x = 6 %}{{ x }}{% endset %}{{ x }}{{ y }}",
    "{% macro m(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(c=3, a=4) }}{{ m() }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}", "{% for i in [1] %}{{ m is defined }}{% endfor %}{% macro m() %}{% endmacro %}{{ m is callable }}", "{% macro m() %}  x  {% endmacro %}[{{ m()|trim }}]", "{% if messages|length > 1 and messages[1].role == 'user' %}two{% endif %}", "{% for m in messages %}{% if not loop.first %}, {% endif %}{{ m.role }}{% endfor %}",
    "{% for message in messages[:-1] %}{{ message.role }}{% endfor %}", "{% set messages = messages[1:] %}{{ messages|length }}", "{{ strftime_now('%d %b %Y') }}", "{% set x = messages[0].content %}{% set y = x if x else 'n' %}{{ y }}", "{{ bos_token }}{{ eos_token }}[{{ pad_token }}]{{ bos_token is defined }} {{ pad_token is defined }}", "{% if 1 == 1 -%}   a   {%- else -%} b {%- endif %}", "{{ 'a' if false else '' }}|", "{% generation %}x{% endgeneration %}y",
    "{% set ns = namespace(first=true) %}{% for m in messages %}{% if ns.first %}{{ m.role }}{% set ns.first = false %}{% endif %}{% endfor %}", "{% for i in range(3) %}{{ '%' }}{{ '}}' }}{% endfor %}", "{{ '{{' }}{{ \"%}\" }}", "{{ [1,\n 2,\n 3,\n] }}", "{{ dict(a=1)|tojson }} {{ dict()|length }}", "{{ x.y if x is defined else 'none' }}", "{{ (messages|first).role }} {{ messages|first|tojson }}", "{{ messages|map(attribute='content')|map('length')|list }}", "{{ 'a'\n~\n'b' }}",
    # Refused by the reference
    "{{ missing.attribute }}", "{{ missing['x'] }}", "{{ missing + 1 }}", "{{ 1 + 'a' }}", "{{ 'a' < 1 }}", "{{ 1 / 0 }}", "{{ 5 % 0 }}", "{{ raise_exception('no') }}", "{% if %}x{% endif %}", "{% for x in 5 %}{% endfor %}", "{{ none[0].x }}", "{{ undefined_function() }}", "{{ 'a'.nothing() }}", "{{ 'a'|no_such_filter }}", "{{ 'a' is no_such_test }}", "{% endif %}", "{% if true %}", "{{ 'a }}", "{{ a b }}", "{{ }}", "{{ (1 }}", "{{ 1) }}", "{% unknown %}", "{% for x %}{% endfor %}", "{% set x.y = 1 %}", "{% set 1 = 2 %}", "{{ [1,2 }}", "{# no end", "{% set a, b = [1] %}", "{{ {}.a.b }}", "{{ [1].append(2) }}", "{% break %}", "{{ range(200000)|list }}", "{{ ''.split('') }}", "{{ 5|length }}", "{{ nothing|tojson }}", "{{ messages[0].content.x.y }}", "{{ 'a' 1 }}", "{{ 1.a }}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ [3]['a'].b }}",
]

STRINGS = {"bos_token": "<s>", "eos_token": "</s>"}
PINNED = "26 Jul 2024"
DATES = ["5 Jan 2025", "29 Feb 2024", "31 Dec 2023", "1 Sep 2100", "15 Oct 1582"]
DATE_FORMATS = ["%d %b %Y", "%Y-%m-%d", "%A %H:%M", "%a, %d %B %y", "day %j, %I:%M:%S %p", "%e.%-m.%Y 100%%",
                "%-d %-m %-y %-H %-I %-M %-S %-j", "", "d%%d \u00e9"]
SNIPPET_CHAT = [{"role": "user", "content": "Hello there é"}, {"role": "assistant", "content": ""}]


def render(template, messages, generation, date):
    now = datetime.datetime.strptime(date, "%d %b %Y")
    try:
        return _compile_jinja_template(template).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=generation,
            strftime_now=now.strftime, **STRINGS)
    except Exception:  # whatever the reference raises, it refuses
        return None


def write(name, template, messages, generation, date=PINNED):
    row = {"name": name, "template": template, "messages": messages, "generation": generation}
    row |= {} if date == PINNED else {"date": date}
    rendered = render(template, messages, generation, date)
    row |= {"error": True} if rendered is None else {"rendered": rendered}
    print(json.dumps(row, ensure_ascii=True))


for name, template in TEMPLATES.items():
    for number, chat in enumerate(CHATS):
        write(f"{name} {number}", template, chat, number % 2 == 0)
for number, template in enumerate(SNIPPETS):
    write(f"snippet {number}", template, SNIPPET_CHAT, True)
for date in [PINNED] + DATES:
    calls = " | ".join("{{ strftime_now(%r) }}" % format for format in DATE_FORMATS)
    write(f"date {date}", calls, SNIPPET_CHAT, True, date)
