package dev.jindu.peer;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.gateway.filter.GlobalFilter;
import org.springframework.cloud.gateway.route.RouteLocator;
import org.springframework.cloud.gateway.route.builder.RouteLocatorBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.web.reactive.function.client.WebClient;

/** A Spring Cloud Gateway in front of the old service, with the mirror of the migration guide. */
@SpringBootApplication
public class Gateway {
    public static void main(String[] args) {
        SpringApplication.run(Gateway.class, args);
    }

    @Bean
    RouteLocator routes(RouteLocatorBuilder routes, @Value("${old}") String old) {
        return routes.routes().route(r -> r.path("/**").filters(f -> f.preserveHostHeader()).uri(old)).build();
    }

    /** Copies requests without a body to Jindu's observe listener; its answer is thrown away. */
    @Bean
    GlobalFilter mirror(@Value("${observe}") String observe) {
        WebClient client = WebClient.create();
        return (exchange, chain) -> {
            var request = exchange.getRequest();
            var uri = request.getURI();
            String target = uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
            client.method(request.getMethod())
                .uri(java.net.URI.create(observe + target))
                .headers(h -> h.addAll(request.getHeaders()))
                .exchangeToMono(answer -> answer.releaseBody())
                .subscribe(done -> { }, failed -> { });
            return chain.filter(exchange);
        };
    }
}
