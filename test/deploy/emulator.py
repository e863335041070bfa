"""Starts ministack, and lets its CloudFormation pass what it would refuse a whole template for.

Everything ministack can do is done by its own code, untouched. What is added here makes nothing work that it does not
do: a resource it has an API but no CloudFormation type for is handed to that API, and an alarm over metric maths is kept
without its maths. Each is told as one line on standard output, `ADDED <kind> <type> <logical id>`, so that the run can
list them. A type that is not here is still refused.
"""

from ministack.app import main
from ministack.services import cloudwatch, waf
from ministack.services.cloudformation import provisioners


def tell(kind, resource_type, logical_id):
    print(f"ADDED {kind} {resource_type} {logical_id}", flush=True)


def accepted(answer, what):
    """The body of one of ministack's own answers; what it refused fails the stack, as any other resource would."""
    status, _, body = answer
    if status >= 400:
        text = body.decode() if isinstance(body, bytes) else body
        raise ValueError(f"{what}: {text}")
    return body


def create_association(logical_id, props, stack_name):
    tell("by-api", "AWS::WAFv2::WebACLAssociation", logical_id)
    accepted(waf._associate_web_acl(props), logical_id)
    return f"{props['WebACLArn']}|{props['ResourceArn']}", {}


def delete_association(physical_id, props):
    waf._disassociate_web_acl(props)


def create_composite(logical_id, props, stack_name):
    tell("by-api", "AWS::CloudWatch::CompositeAlarm", logical_id)
    name = props.get("AlarmName") or f"{stack_name}-{logical_id}"
    accepted(cloudwatch._put_composite_alarm({}, {**props, "AlarmName": name}, False, True), logical_id)
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def delete_composite(physical_id, props):
    cloudwatch._composite_alarms.pop(physical_id, None)


own_alarm_record = provisioners._cw_metric_alarm_record


def alarm_record(name, props):
    """An alarm over metric maths, without metric: ministack keeps it, shows it, and never evaluates it."""
    if not props.get("Metrics"):
        return own_alarm_record(name, props)
    tell("not-evaluated", "AWS::CloudWatch::Alarm", name)
    single = {"Threshold": 0, **props, "Metrics": None, "MetricName": "-", "Namespace": "-"}
    return {**own_alarm_record(name, single), "MetricName": None, "Namespace": None}


provisioners._cw_metric_alarm_record = alarm_record
for resource_type, handler in {
    "AWS::WAFv2::WebACLAssociation": {"create": create_association, "delete": delete_association},
    "AWS::CloudWatch::CompositeAlarm": {"create": create_composite, "delete": delete_composite},
}.items():
    # A newer ministack that knows the type is to be used as it is.
    provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handler)

main()
